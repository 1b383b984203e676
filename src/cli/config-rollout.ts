import { listOf, type Values } from "../config/values.ts";
import { adminCommand } from "./admin-client/command.ts";
import { ageText, fieldsOf, shown, shownNumber } from "./admin-client/fields.ts";
import { jsonBody } from "./admin-client/options.ts";
import { memoryOf } from "../server/named-store.ts";
import { askStoredRollout, ROLLOUT_QUESTIONS, type RolloutQuestion } from "../server/stored-rollout.ts";
import { usage } from "./args.ts";
import { publisherOf } from "./config-published.ts";
import { ELSEWHERE, tellFailure, withStoreOption } from "./config-stored.ts";
import { withStore } from "./coordination/options.ts";
import { print } from "./print.ts";
import { type Column, tableText } from "./table.ts";
import { type Args, EXIT, type Io } from "./command.ts";

const rolloutOfNode = adminCommand({
  name: "config rollout",
  summary: "Show how far a staged config of the fleet is; pause it, let it go on, or end it.",
  usage: ["config rollout [status]", "config rollout pause|resume|abort"],
  details: `A config that was applied with --staged is tried by one node, then by a region, then by all. In each stage the nodes that
run it are compared with the others at the same time; when more items fail, or a node refuses it, it is rolled back.
pause keeps it in its stage, resume lets it go on, abort takes it back.`,
  takes: "names",
  elsewhere: ELSEWHERE,
  options: {
    by: { value: "name", help: "Who, for people; default: the role of the token, or with -c the user." },
  },
  call({ args }) {
    const what = questionIn(args);
    if (what === "status") return { method: "GET", path: ["config", "rollout"] };
    const by = args.text("by");
    return { method: "POST", path: ["config", "rollout", what], body: jsonBody(by === undefined ? {} : { by }) };
  },
  text: (body, { io }) => rolloutText(fieldsOf(body), io),
});

export const rollout = withStoreOption(rolloutOfNode, async ({ store }, args, io) => {
  const what = questionIn(args);
  const memory = await memoryOf(store);
  const asked = { what, by: publisherOf(args, io), memory };
  const found = await withStore(store, what === "status" ? "read" : "write", { args, io }, (coordination, signal) =>
    askStoredRollout(coordination, { ...asked, signal }),
  );
  if (found.kind !== "view") {
    const hint = "config rollout -c <file> shows what was staged last, config apply --staged stages a config";
    const code = found.kind === "ended" ? "CONFLICT" : "NOT_FOUND";
    return tellFailure({ code, detail: found.detail, hint }, args, io);
  }
  print(found.view, args, io, () => rolloutText(fieldsOf(found.view), io));
  return EXIT.ok;
});

function questionIn(args: Args): RolloutQuestion {
  const [name = "status", ...more] = args.positionals;
  const what = ROLLOUT_QUESTIONS.find((one) => one === name);
  if (what === undefined || more.length > 0) throw usage(`config rollout takes ${ROLLOUT_QUESTIONS.join(", ")}`);
  return what;
}

function rolloutText(view: Values, { clock, stdout }: Io): string {
  const { state, version, stage, since, by, note, reason } = view;
  if (state === "none") return "no config was ever staged\n";
  const age = ageText(since, clock.wallMs());
  const lines = [
    `version ${shown(version)}: ${shown(state)}`,
    `stage ${shown(stage)}, begun ${age} ago; ${othersText(view)}`,
    `by ${shown(by)}${shown(note) === "" ? "" : `: ${shown(note)}`}`,
  ];
  if (state === "paused")
    lines.push(`paused by ${shown(view["paused_by"])}, ${ageText(view["paused_at"], clock.wallMs())} ago`);
  const gone = [goneText(view["lost"], "lost"), goneText(view["left"], "stopped in good order")].filter(Boolean);
  if (gone.length > 0) lines.push(gone.join(", "));
  if (shown(reason) !== "") lines.push(shown(reason));
  const [nodes, windows] = [listOf(view["nodes"]).map(fieldsOf), listOf(view["windows"]).map(fieldsOf)];
  const parts = [`${lines.join("\n")}\n`];
  if (nodes.length > 0) parts.push(tableText(NODE_COLUMNS, nodes, stdout));
  if (windows.length > 0) parts.push(tableText(windowColumns(clock.wallMs()), windows, stdout));
  return parts.join("\n");
}

/** What runs where it is not tried, as far as this tells. */
function othersText({ state, version, base }: Values): string {
  if (state === "done") return `all run version ${shown(version)}`;
  if (state === "superseded") return "all run another version";
  return `${state === "running" || state === "paused" ? "others run" : "gone back to"} version ${shown(base)}`;
}

/** Nodes of this stage. */
function goneText(count: unknown, how: string): string {
  return typeof count === "number" && count > 0 ? `${count} ${count === 1 ? "node" : "nodes"} ${how}` : "";
}

const NODE_COLUMNS: Column<Values>[] = [
  { title: "NODE", of: ({ id }) => shown(id) },
  { title: "VERSION", align: "right", of: ({ version }) => shown(version) },
  { title: "RESULT", of: ({ result }) => shown(result) },
  { title: "REASON", wraps: true, of: ({ reason }) => shown(reason) },
];

function windowColumns(nowMs: number): Column<Values>[] {
  return [
    { title: "AGE", align: "right", of: ({ at }) => ageText(at, nowMs) },
    { title: "STAGE", of: ({ stage }) => shown(stage) },
    { title: "ITEMS", align: "right", of: ({ canary }) => items(canary) },
    { title: "FAILED", align: "right", of: ({ canary }) => failing(canary) },
    { title: "OTHERS", align: "right", of: ({ control }) => items(control) },
    { title: "FAILED", align: "right", of: ({ control }) => failing(control) },
    { title: "VERDICT", of: ({ verdict }) => shown(verdict) },
  ];
}

function failing(group: unknown): string {
  return shownNumber(fieldsOf(group)["failure_ratio"], percent);
}

function items(group: unknown): string {
  return shown(fieldsOf(group)["attempted"]);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
