import { listOf, type Values } from "../config/values.ts";
import { problemsOf } from "./admin-client/answer.ts";
import { adminCommand, changeCommand } from "./admin-client/command.ts";
import { ageText, fieldsOf, shown } from "./admin-client/fields.ts";
import { FILE_OPTION, jsonBody, readBody, readVersion } from "./admin-client/options.ts";
import { usage } from "./args.ts";
import { type Args, type CommandGroup, EXIT, type Io } from "./command.ts";
import { problemsText } from "./print.ts";
import { apply } from "./config-apply.ts";
import { authorOf, PEOPLE_OPTIONS } from "./config-published.ts";
import { ELSEWHERE, orFromStore, orRollbackInStore } from "./config-stored.ts";
import { rollout } from "./config-rollout.ts";
import { type Column, tableText } from "./table.ts";

const get = adminCommand({
  name: "config get",
  summary: "Show the running config, secrets redacted.",
  usage: ["config get [-o json]", "config get --version <version>"],
  details:
    "As it is written, with its comments; with -o json as it is meant, with all defaults, its version and its digest.",
  options: { version: { value: "version", help: "An earlier one, of config history." } },
  call({ args }) {
    const version = args.text("version");
    const path = version === undefined ? ["config"] : ["config", "versions", readVersion(version)];
    return { method: "GET", path, query: { format: args.required("output") === "json" ? undefined : "yaml" } };
  },
  text: String,
});

const validate = adminCommand({
  name: "config validate",
  summary: "Ask a running node whether it could apply a config, and change nothing.",
  usage: ["config validate -f <file>", "config validate -f - < file"],
  details: `Other than \`signalbox validate\`, which needs no node, this one asks with the environment and the files of that node.`,
  options: { file: FILE_OPTION },
  call: async ({ args, io }) => ({ method: "POST", path: ["config", "validate"], body: await readBody(args, io) }),
  text: (body) => problemsText(problemsOf(body, "problems"), isValid(body) ? "valid" : "not valid"),
  exitCode: (body) => (isValid(body) ? EXIT.ok : EXIT.invalidConfig),
});

function isValid(body: unknown): boolean {
  return fieldsOf(body)["valid"] === true;
}

const diffOfNode = adminCommand({
  name: "config diff",
  summary: "Show what changed between two versions of the config.",
  usage: ["config diff", "config diff <from> [to]"],
  details:
    "Without versions: between the one before and the one that runs; with one: between it and the one that runs.",
  takes: "names",
  elsewhere: ELSEWHERE,
  call({ args }) {
    const [from, to] = versionsIn(args).map((version) => version?.toString());
    return { method: "GET", path: ["config", "diff"], query: { from, to } };
  },
  text: diffText,
});

const diff = orFromStore(diffOfNode, async (versions, { args, signal }) => {
  const found = await versions.diff(...versionsIn(args), { signal });
  if (found.kind === "not_kept") return found;
  const result = { from: found.from, to: found.to, ...found.diff };
  return { kind: "shown", result, text: diffText(result) };
});

function versionsIn(args: Args): [from: number | undefined, to: number | undefined] {
  const [from, to, ...more] = args.positionals.map((text) => Number(readVersion(text)));
  if (more.length > 0) throw usage("config diff takes two versions");
  return [from, to];
}

function diffText(body: unknown): string {
  const { text } = fieldsOf(body);
  if (typeof text !== "string" || text === "") return "no difference\n";
  return text.endsWith("\n") ? text : `${text}\n`;
}

const historyOfNode = adminCommand({
  name: "config history",
  summary: "List the versions of the config that are kept.",
  usage: ["config history"],
  elsewhere: ELSEWHERE,
  call: () => ({ method: "GET", path: ["config", "versions"] }),
  text: (body, { io }) => historyText(body, io),
});

const history = orFromStore(historyOfNode, async (versions, { io, signal }) => {
  const result = await versions.list({ signal });
  return { kind: "shown", result, text: historyText(result, io) };
});

function historyText(body: unknown, { clock, stdout }: Io): string {
  return tableText(historyColumns(clock.wallMs()), listOf(body).map(fieldsOf), stdout);
}

const DIGEST_LENGTH = 12;

function historyColumns(nowMs: number): Column<Values>[] {
  return [
    { title: "VERSION", align: "right", of: ({ version }) => shown(version) },
    { title: "AGE", align: "right", of: ({ applied }) => ageText(applied, nowMs) },
    { title: "STATE", of: ({ state }) => shown(state ?? "") },
    { title: "BY", of: ({ by }) => shown(by) },
    { title: "WHO", of: ({ author }) => shown(author ?? "") },
    { title: "DIGEST", of: ({ digest }) => shown(digest).slice(0, DIGEST_LENGTH) },
    { title: "SUMMARY", wraps: true, of: ({ summary }) => shown(summary) },
  ];
}

const rollbackOfNode = changeCommand({
  name: "config rollback",
  summary: "Go back to an earlier version of the config.",
  usage: ["config rollback <version>"],
  details:
    "What is gone back to becomes a new version, so that going back can be taken back. config history lists the versions.",
  takes: "version",
  options: PEOPLE_OPTIONS,
  elsewhere: ELSEWHERE,
  call: ({ name, args, io }) => ({
    method: "POST",
    path: ["config", "rollback"],
    query: { by: authorOf(args, io), note: args.text("note") },
    body: jsonBody({ to: Number(readVersion(name)) }),
  }),
  done: ({ name }) => `went back to version ${name}`,
});

const rollback = orRollbackInStore(rollbackOfNode);

export const group: CommandGroup = {
  name: "config",
  summary: "Look at the config of a running node and its versions, change it, and go back.",
  details: "",
  commands: [get, apply, validate, diff, history, rollback, rollout],
};
