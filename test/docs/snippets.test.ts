import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { AdminContext } from "../../src/admin/context.ts";
import { matchRoute } from "../../src/admin/route.ts";
import { createRoutes } from "../../src/admin/routes.ts";
import { parseCommandLine } from "../../src/cli/args.ts";
import { isGroup } from "../../src/cli/command.ts";
import { COMMANDS, findCommand } from "../../src/cli/commands.ts";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { METRICS } from "../../src/telemetry/metric-table.ts";
import { codeSpans, type Page, readPages, ROOT } from "./pages.ts";

const pages = readPages().filter(({ path }) => path !== "CHANGELOG.md");
const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as { scripts: Record<string, string> };

/**
 * `yaml` is a whole config, `yaml warns` one with warnings; `yaml condition` is entries of a rule's
 * `conditions`, `yaml pool` what stands in one pool.
 */
function configOf(info: string, text: string): string | undefined {
  if (info === "yaml" || info === "yaml warns") return text;
  const target =
    "targets: [{ id: a, endpoint: http://127.0.0.1:14317 }, { id: b, endpoint: http://127.0.0.1:24317 }]\n";
  const indent = (by: number): string => text.replaceAll(/^(?=.)/gmu, " ".repeat(by));
  if (info === "yaml condition") {
    return `${target}rules:\n  - id: r\n    targets: [a]\n    conditions:\n${indent(6)}default_pool: { targets: [b] }\n`;
  }
  // The rule uses both targets: a pool need not, and a target that nothing uses is a warning.
  const rules = "rules: [{ id: r, conditions: [service_name: x], targets: [a, b] }]\n";
  return info === "yaml pool" ? `${target}pools:\n  p:\n${indent(4)}default_pool: p\n${rules}` : undefined;
}

function readFile(path: string): string {
  return `content of ${path}`;
}

for (const page of pages) {
  for (const { info, text, line } of page.fences.filter((fence) => fence.info.startsWith("yaml"))) {
    test(`${page.path}:${line}: the config in it loads as it says`, () => {
      const config = configOf(info, text);
      assert.ok(config !== undefined, `unknown kind of block: ${info}`);
      const { problems } = loadConfig(config, {
        file: page.path,
        env: { INGEST_TOKEN: "t", ADMIN_TOKEN: "t" },
        readFile,
      });
      assert.ok(
        problems.every(({ severity }) => severity === "warning"),
        problems.map(formatProblem).join("\n"),
      );
      assert.equal(problems.length > 0, info === "yaml warns", problems.map(formatProblem).join("\n"));
    });
  }
}

/** Lines of the page that are commands: those of `sh` blocks, and code that begins like one. */
function commandsOf(page: Page): { readonly text: string; readonly line: number }[] {
  const blocks = page.fences.filter(({ info }) => info === "sh" || info === "text");
  const lines = blocks.flatMap(({ text, line }) => text.split("\n").map((one, i) => ({ text: one, line: line + i })));
  return [...lines, ...codeSpans(page)].filter(({ text }) => /^(?:npm|npx|signalbox|curl) /u.test(text));
}

const NPM_OWN = new Set(["ci", "test", "install", "pack"]);

/** Undefined when the command is one that there is. */
function faultOf(command: string): string | undefined {
  const text = command.replace(/ +#.*$/u, "").replace(/ [<>|] .*$/u, "");
  for (const part of text.split(" && ")) {
    const words = part.trim().split(/ +/u);
    const fault = words[0] === "npm" ? npmFault(words) : words[0] === "curl" ? curlFault(words) : ownFault(words);
    if (fault !== undefined) return `${part}: ${fault}`;
  }
  return undefined;
}

function npmFault(words: readonly string[]): string | undefined {
  const [verb = "", ...rest] = words.slice(1);
  if (NPM_OWN.has(verb)) return undefined;
  const [script = "", separator, ...args] = rest.filter((word) => word !== "-s");
  if (verb !== "run") return "npm has no such verb here";
  if (manifest.scripts[script] === undefined) return `package.json has no script ${script}`;
  if (script !== "signalbox") return undefined;
  return separator === "--" ? ownFault(["signalbox", ...args]) : "-- is missing";
}

function ownFault(words: readonly string[]): string | undefined {
  const [name = "", ...args] = words.slice(words[0] === "npx" ? 2 : 1);
  if (name === "help" || name.startsWith("<") || name.startsWith("--version")) return undefined;
  if (!COMMANDS.some((known) => known.name === name)) return `there is no command ${name}`;
  if (args.some((word) => /[<[\]]/u.test(word))) return undefined; // a synopsis
  const { command, rest } = findCommand([name, ...args]);
  if (!isGroup(command)) parseCommandLine(command, rest); // throws for an option that there is not
  return undefined;
}

/** A context whose routes can be looked at, but not called. */
const routes = createRoutes({ facts: {}, dataPlane: {}, walk: {}, env: {}, runtime: {} } as unknown as AdminContext);

function curlFault(words: readonly string[]): string | undefined {
  const bare = words.map((word) => word.replaceAll("'", ""));
  const address = bare.find((word) => /^(?:http:\/\/)?(?:127\.0\.0\.1|localhost):4320\//u.test(word));
  if (address === undefined) return undefined;
  const { pathname } = new URL(address.startsWith("http") ? address : `http://${address}`);
  const method = bare[bare.indexOf("-X") + 1];
  const asked = bare.includes("-X") && method !== undefined ? method : "GET";
  return matchRoute(routes, asked, pathname).kind === "route" ? undefined : `the admin API has no ${asked} ${pathname}`;
}

for (const page of pages) {
  test(`${page.path}: every command in it is one that there is`, () => {
    const faults = commandsOf(page).flatMap(({ text, line }) => {
      const fault = faultOf(text);
      return fault === undefined ? [] : [`${page.path}:${line}: ${fault}`];
    });
    assert.deepEqual(faults, []);
  });

  test(`${page.path}: every metric, config key and admin path in it is one that there is`, () => {
    const names = new Set(Object.values(METRICS).map(({ name }) => name));
    const keys = keysIn(configJsonSchema());
    const wrong = codeSpans(page).filter(({ text }) => {
      if (/^(?:otlp|signalbox)_[a-z_]+(?:\{.*\})?$/u.test(text)) return !names.has(text.replace(/\{.*$/u, ""));
      if (/^(?:node|targets|pools|rules|global|regions|queue|batch|retry)(?:\[\])?\.[a-z_.[\]<>*]+$/u.test(text)) {
        return text.split(/[.[\]]+/u).some((key) => key !== "" && !/^[<*]/u.test(key) && !keys.has(key));
      }
      const path = /^(?:GET )?(?<path>\/(?:api|healthz|readyz|metrics|openapi)[\w./{}]*)$/u.exec(text)?.groups?.[
        "path"
      ];
      return path !== undefined && path !== "/api/v1" && matchRoute(routes, "GET", path).kind === "not_found";
    });
    assert.deepEqual(wrong, []);
  });
}

function keysIn(schema: unknown, found = new Set<string>()): Set<string> {
  if (typeof schema !== "object" || schema === null) return found;
  for (const [name, value] of Object.entries(schema)) {
    if (name === "properties") for (const key of Object.keys(value as object)) found.add(key);
    keysIn(value, found);
  }
  return found;
}
