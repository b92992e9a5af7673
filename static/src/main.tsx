import { render } from "preact";
import { listen } from "./shell/keys";
import { Shell } from "./shell/shell";
import "./styles/index.css";

listen();
render(<Shell />, document.getElementById("app") as HTMLElement);
