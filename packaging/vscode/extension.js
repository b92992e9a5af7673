// Starts `ironflow dap` for debug sessions of type ironflow, and finds runs for them.
"use strict";

const vscode = require("vscode");

const RECENT = "ironflow.recentRuns";
const RECENT_MAX = 10;

/** @param {vscode.ExtensionContext} context */
function activate(context) {
  const settings = () => vscode.workspace.getConfiguration("ironflow");

  const remember = async (runId) => {
    if (!runId || runId.startsWith("@")) return;
    const known = context.globalState.get(RECENT, []).filter((one) => one !== runId);
    await context.globalState.update(RECENT, [runId, ...known].slice(0, RECENT_MAX));
  };

  const pick = async () => {
    const runs = ["@last-failed", "@last", ...context.globalState.get(RECENT, [])];
    const other = "another…";
    const chosen = await vscode.window.showQuickPick([...runs, other], { placeHolder: "Which run?" });
    const runId = chosen === other ? await vscode.window.showInputBox({ prompt: "Id of the run" }) : chosen;
    await remember(runId);
    return runId;
  };

  const inspect = async (runId, at = "failure") => {
    const found = runId || (await pick());
    if (!found) return;
    await vscode.debug.startDebugging(undefined, {
      type: "ironflow",
      request: "attach",
      name: `Ironflow: ${found}`,
      runId: found,
      at,
    });
  };

  const commit = async () => {
    const session = vscode.debug.activeDebugSession;
    if (!session || session.type !== "ironflow") return;
    const reason = await vscode.window.showInputBox({ prompt: "Why? It is kept in history." });
    if (!reason) return;
    const answer = await session.customRequest("evaluate", {
      expression: `commit ${JSON.stringify(reason)}`,
      context: "repl",
    });
    vscode.window.showInformationMessage(answer.result);
  };

  const open = async () => {
    const session = vscode.debug.activeDebugSession;
    const given = session && session.type === "ironflow" ? session.configuration.runId : undefined;
    const runId = given && !given.startsWith("@") ? given : await pick();
    if (runId) await vscode.env.openExternal(vscode.Uri.parse(`${settings().get("server")}/runs/${runId}`));
  };

  context.subscriptions.push(
    vscode.commands.registerCommand("ironflow.pickRun", pick),
    vscode.commands.registerCommand("ironflow.inspectRun", () => inspect()),
    vscode.commands.registerCommand("ironflow.commitPatch", commit),
    vscode.commands.registerCommand("ironflow.openInDashboard", open),
    vscode.debug.registerDebugConfigurationProvider("ironflow", {
      resolveDebugConfiguration: (_folder, config) => ({
        server: settings().get("server"),
        sourceRoots: (vscode.workspace.workspaceFolders || []).map((folder) => folder.uri.fsPath),
        ...config,
      }),
    }),
    vscode.debug.registerDebugAdapterDescriptorFactory("ironflow", {
      createDebugAdapterDescriptor: (session) =>
        session.configuration.port
          ? new vscode.DebugAdapterServer(session.configuration.port, "127.0.0.1")
          : new vscode.DebugAdapterExecutable(settings().get("executable"), ["dap"]),
    }),
    // vscode://ironflow.ironflow/run/run_…?position=2829
    vscode.window.registerUriHandler({
      handleUri: (uri) => {
        const [, run] = /^\/run\/(run_[0-9a-z]+)$/.exec(uri.path) || [];
        const position = new URLSearchParams(uri.query).get("position");
        if (run) return inspect(run, position ? Number(position) : "failure");
      },
    }),
  );
}

function deactivate() {}

module.exports = { activate, deactivate };
