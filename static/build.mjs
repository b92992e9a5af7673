// node build.mjs [--watch]  ->  dist/: index.html, assets/ with content hashes, each also packed as .br and .gz,
// routes.json (for the server's deep links) and the notices of third parties. Fails when a budget is exceeded.
import { build, context } from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile, copyFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, "dist");
const KIB = 1024;
const BUDGET_SHELL = 60 * KIB;
const BUDGET_OPENED = 80 * KIB; // a page as it opens, with the shell
const BUDGET_ROUTE = 200 * KIB; // with all that it may load later
const PACKED = /\.(js|css|html|txt|svg)$/;

const options = {
  absWorkingDir: here,
  entryPoints: ["src/main.tsx"],
  outdir: "dist/assets",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none", // told whole in the notices
  metafile: true,
  logLevel: "warning",
};

/** What is in the scripts that are built by themselves, which the metafile does not have. */
const inOthers = new Set();

/** `import name from "worker:./some.ts"`, or `"apart:./some.ts"` for a module: a script of its own, built into one file, whose
 * name is the import. What is apart shares nothing: code that only it needs is not in what others share. */
const FORMATS = { worker: "iife", apart: "esm" };
const others = {
  name: "others",
  setup(made) {
    made.onResolve({ filter: /^(worker|apart):/ }, ({ path: asked, resolveDir }) => {
      const [kind, name] = asked.split(":");
      const source = path.join(resolveDir, name);
      return { path: source.replace(/\.ts$/, ".js"), namespace: kind, pluginData: source };
    });
    made.onLoad({ filter: /./, namespace: "worker" }, builtAlone);
    made.onLoad({ filter: /./, namespace: "apart" }, builtAlone);
  },
};

async function builtAlone({ namespace, pluginData: source }) {
  const own = { entryPoints: [source], splitting: false, format: FORMATS[namespace], write: false, plugins: [] };
  const { outputFiles, metafile } = await build({ ...options, ...own });
  for (const input of Object.keys(metafile.inputs)) inOthers.add(input);
  return { contents: outputFiles[0].contents, loader: "file", watchFiles: [source] };
}
options.plugins = [others];

const watching = process.argv.includes("--watch");
await rm(dist, { recursive: true, force: true });
await mkdir(path.join(dist, "assets"), { recursive: true });

if (watching) {
  const plugin = { name: "page", setup: (made) => made.onEnd(async (result) => result.metafile && finish(result.metafile)) };
  await (await context({ ...options, plugins: [others, plugin] })).watch();
  console.log("watching static/src");
} else {
  const { metafile } = await build(options);
  await finish(metafile);
  check(metafile, await sizes());
}

/** Everything beside the bundles. */
async function finish(metafile) {
  const outputs = Object.entries(metafile.outputs);
  const [script, { cssBundle }] = outputs.find(([, output]) => output.entryPoint === "src/main.tsx");
  const page = (await readFile(path.join(here, "src/index.html"), "utf8"))
    .replace("{{script}}", served(script))
    .replace("{{style}}", served(cssBundle));
  await writeFile(path.join(dist, "index.html"), page);
  await copyFile(path.join(here, "src/routes.json"), path.join(dist, "routes.json"));
  await writeFile(path.join(dist, "assets", "third-party-notices.txt"), await notices(metafile));
  if (!watching) for (const file of await files(dist)) if (PACKED.test(file)) await pack(file);
}

function served(output) {
  return "/" + path.relative("dist", output);
}

async function files(folder) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

async function pack(file) {
  const content = await readFile(file);
  await writeFile(`${file}.gz`, gzipSync(content, { level: 9 }));
  const size = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  await writeFile(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, ...size } }));
}

/** Bytes of each packed script, by its name in the metafile. */
async function sizes() {
  const packed = (await files(path.join(dist, "assets"))).filter((file) => file.endsWith(".js.gz"));
  const read = packed.map(async (file) => [path.relative(here, file).replace(/\.gz$/, ""), (await readFile(file)).length]);
  return Object.fromEntries(await Promise.all(read));
}

function check(metafile, bytes) {
  const shell = closure(metafile, Object.keys(metafile.outputs).find((name) => metafile.outputs[name].entryPoint === "src/main.tsx"));
  const total = (...names) => [...new Set(names.flatMap((one) => [...one]))].reduce((sum, name) => sum + (bytes[name] ?? 0), 0);
  const report = [["shell", total(shell), BUDGET_SHELL]];
  for (const [name, output] of Object.entries(metafile.outputs)) {
    if (!/^src\/pages\/.*page\.tsx$/.test(output.entryPoint ?? "")) continue;
    const route = output.entryPoint.replace(/^src\/pages\/|\/page\.tsx$/g, "");
    report.push([`${route}, opened`, total(shell, closure(metafile, name)), BUDGET_OPENED]);
    report.push([route, total(shell, closure(metafile, name, { later: true })), BUDGET_ROUTE]);
  }
  for (const [name, size, budget] of report) console.log(`${name.padEnd(20)} ${(size / KIB).toFixed(1).padStart(6)} KiB of ${budget / KIB}`);
  const over = report.filter(([, size, budget]) => size > budget);
  if (over.length > 0) {
    console.error(`over budget: ${over.map(([name]) => name).join("; ")}`);
    process.exit(1);
  }
}

/** A bundle and all that it imports at once; with `later`, also what it loads when somebody asks for it. */
function closure(metafile, name, { later = false } = {}, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const one of metafile.outputs[name]?.imports ?? []) {
    const counted = one.kind === "import-statement" || (later && ["dynamic-import", "file-loader"].includes(one.kind));
    if (counted && !one.external) closure(metafile, one.path, { later }, seen);
  }
  return seen;
}

/** The licences of the packages that are in the bundles. */
async function notices(metafile) {
  const names = new Set();
  for (const input of [...Object.keys(metafile.inputs), ...inOthers]) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input);
    if (found) names.add(found[1]);
  }
  const parts = ["Third-party software in this dashboard.\n"];
  for (const name of [...names].sort()) {
    const folder = path.join(here, "node_modules", name);
    const about = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    const licence = ["LICENSE", "LICENSE.md", "LICENSE.txt"].map((file) => path.join(folder, file)).find(existsSync);
    const text = licence ? (await readFile(licence, "utf8")).trim() : "(its package has no licence file)";
    parts.push(`${"-".repeat(80)}\n${about.name} ${about.version} (${about.license})\n\n${text}\n`);
  }
  return parts.join("\n");
}
