/** Signing in, over whatever was open: the address stays, so the page is there when one comes back. */
import { useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { signInBy } from "../api/sign_in";
import { Icon } from "../ui/icon";

export function SignIn() {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await signInBy(email, password);
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1>Sign in to Ironflow</h1>
        <label class="field">
          E-mail
          <input type="email" autocomplete="username" required value={email} onInput={(event) => setEmail(event.currentTarget.value)} />
        </label>
        <label class="field">
          Password
          <input
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        {problem && (
          <p class="problem" role="alert">
            <Icon name="warning" class="fail" /> {problem}
          </p>
        )}
        <p class="muted small">
          The server prints a link that signs you in when it starts in a terminal: it works once, for 15 minutes.
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
