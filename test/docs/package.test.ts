import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { readPage, ROOT } from "./pages.ts";
import { printsOf, type RanProgram, runPrograms } from "./programs.ts";

const run = promisify(execFile);
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

/**
 * The package as it is built, in a folder of its own: a module in it imports it by name, through
 * its `exports`.
 */
const folder = mkdtempSync(join(tmpdir(), "signalbox-package-"));
after(() => rmSync(folder, { recursive: true }));
copyFileSync(join(ROOT, "package.json"), join(folder, "package.json"));
symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
await run(process.execPath, [
  TSC,
  "-p",
  join(ROOT, "tsconfig.build.json"),
  "--noCheck",
  "--outDir",
  join(folder, "dist"),
]);

/** Programs of the pages, with what each prints: the comments behind `//=>`. */
const PAGES = ["docs/library.md", "docs/coordination.md"];
const programs = PAGES.flatMap((path, p) => {
  const page = readPage(path, readFileSync(join(ROOT, path), "utf8"));
  return page.fences
    .filter(({ info }) => info === "ts")
    .map(({ text, line }, i) => ({
      file: `program-${p}-${i}.mts`,
      text,
      place: `${path}:${line}`,
      prints: printsOf(text),
    }));
});
for (const { file, text } of programs) writeFileSync(join(folder, file), text);

/** The examples as their readers have them, who import the package by name. */
const EXAMPLE = "dynamic-routing.mts";
const EXAMPLES = [EXAMPLE, "distributed-control.mts", "fleet-sampling.mts"];
for (const name of EXAMPLES) {
  const example = readFileSync(join(ROOT, "examples", name.replace(".mts", ".ts")), "utf8");
  assert.match(example, /from "\.\.\/src\/index\.ts"/u);
  writeFileSync(join(folder, name), example.replace('"../src/index.ts"', '"signalbox"'));
}

test("package: its types are good for strict users", async () => {
  const options = {
    module: "nodenext",
    target: "esnext",
    lib: ["esnext"],
    types: ["node"],
    strict: true,
    noEmit: true,
    noUncheckedIndexedAccess: true,
  };
  const compilerOptions = { ...options, exactOptionalPropertyTypes: true, skipLibCheck: false };
  const files = [...EXAMPLES, ...programs.map(({ file }) => file)];
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const { stdout } = await run(process.execPath, [TSC, "-p", folder]).catch((error: { stdout: string }) => error);
  assert.equal(stdout, "");
});

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;

/** Imports of declarations, also those of types in place. */
const IMPORTED = /(?:from |import\(|import |<reference types=)"(?<name>[^."][^"]*)"/gu;

test("package: its types need nothing that is no dependency and no declared peer", () => {
  const declared = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]);
  const files = globSync("dist/**/*.d.ts", { cwd: folder });
  const needed = new Set(
    files.flatMap((file) => {
      const names = [...readFileSync(join(folder, file), "utf8").matchAll(IMPORTED)].map(
        (found) => found.groups!["name"]!,
      );
      return names.map((name) => (name.startsWith("node:") ? "@types/node" : /^(?:@[^/]+\/)?[^/]+/u.exec(name)![0]));
    }),
  );
  assert.ok(needed.has("zod") && needed.has("@types/node"));
  assert.deepEqual([...needed.difference(declared)], []);
});

test("package: who installs it gets corrections of its dependencies; the lockfile of the checkout pins them", () => {
  for (const [name, range] of Object.entries(manifest.dependencies)) assert.match(range, /^\^\d+\.\d+\.\d+$/u, name);
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly version: string }>>;
  };
  for (const name of Object.keys(manifest.dependencies)) {
    assert.match(lock.packages[`node_modules/${name}`]!.version, /^\d+\.\d+\.\d+$/u, name);
  }
});

test("package: no file points to sources that are not in it", () => {
  assert.deepEqual(globSync("dist/**/*.map", { cwd: folder }), []);
  const pointing = globSync("dist/**/*.js", { cwd: folder }).filter((file) =>
    readFileSync(join(folder, file), "utf8").includes("sourceMappingURL"),
  );
  assert.deepEqual(pointing, []);
});

let ran: Promise<readonly RanProgram[]> | undefined;
for (const [i, { place, prints }] of programs.entries()) {
  test(`package: the program at ${place} prints what its comments say`, async () => {
    ran ??= runPrograms(programs.map(({ file }) => join(folder, file)));
    const { out, err } = (await ran)[i]!;
    assert.deepEqual(err, []);
    assert.ok(prints.length > 0);
    assert.deepEqual(out.join("\n").split("\n"), prints);
  });
}

test("package: the example of dynamic routing runs on it", async () => {
  const { stdout } = await run(process.execPath, [join(folder, EXAMPLE)], { timeout: 60_000 });
  assert.match(stdout, /^=== Dynamic routing ===\n[^]*routed: 10, delivered: 10, failed: 0\n[^]*Done/u);
});

test("package: every function and value of it is in a program of the pages", async () => {
  const library: object = await import(join(folder, "dist/index.js"));
  const code = programs.map(({ text }) => text).join("\n");
  const missing = Object.keys(library).filter((name) => !new RegExp(`\\b${name}\\b`, "u").test(code));
  assert.deepEqual(missing, []);
});

test("package: the config's schema can be imported by itself", async () => {
  const code =
    'const { ConfigSchema } = await import("signalbox/config"); console.log(ConfigSchema.safeParse({}).success)';
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", code], { cwd: folder });
  assert.equal(stdout, "true\n");
});

test("package: nothing else of it can be imported", async () => {
  const code = 'await import("signalbox/dist/core/clock.js")';
  const failed = run(process.execPath, ["--input-type=module", "--eval", code], { cwd: folder });
  await assert.rejects(failed, /ERR_PACKAGE_PATH_NOT_EXPORTED/u);
});
