import { render } from "preact";
import { begin } from "./api/sign_in";
import { listen } from "./shell/keys";
import { Shell } from "./shell/shell";
import "./styles/index.css";

listen();
void begin();
render(<Shell />, document.getElementById("app") as HTMLElement);
