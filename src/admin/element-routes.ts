import { WISH, wishOf } from "./wish.ts";
import type { Edit, Section } from "../control/document/element.ts";
import { NAME_PATTERN } from "../config/schema/values.ts";
import type { RouteTable } from "../control/route-table.ts";
import { AsWritten } from "../core/hide.ts";
import type { AdminContext } from "./context.ts";
import type { Values } from "../config/values.ts";
import { elementBody, parseMapping } from "./body.ts";
import { changeReply, errorAt, etagOf, problemReply, problemsReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, CHANGE, type AdminRoute } from "./route.ts";
import { poolView, targetView } from "./views.ts";

/** What is different between rules, pools and targets. */
interface Kind {
  readonly section: Section;
  readonly noun: string;
  /** The key that names one, in paths and bodies. */
  readonly key: "id" | "name";
  readonly schema: string;
  /** All of them, as `GET` of the section tells. */
  readonly list: () => Promise<unknown>;
  /** One of them; undefined when there is none. */
  readonly one: (id: string) => Promise<unknown>;
}

/** Rules, pools and targets: all, one, add, change, remove. */
export function elementRoutes(context: AdminContext): AdminRoute[] {
  return kindsOf(context).flatMap((kind) => [...readRoutes(kind, context), ...writeRoutes(kind, context)]);
}

function kindsOf({ table, dataPlane }: AdminContext): Kind[] {
  const configOf = async (section: Section, id: string): Promise<unknown> =>
    new AsWritten((await table.element(section, id))?.value ?? null);
  const rules = async (): Promise<unknown> => new AsWritten((await table.elements("rules")).map(({ value }) => value));
  const rule = async (id: string): Promise<unknown> => {
    const found = await table.element("rules", id);
    return found && new AsWritten(found.value);
  };
  const pool = async (name: string): Promise<unknown> => {
    const status = (await dataPlane.status()).pools.find((known) => known.name === name);
    return status && { ...poolView(status), config: await configOf("pools", name) };
  };
  const target = async (id: string): Promise<unknown> => {
    const status = (await dataPlane.status()).targets.find((known) => known.id === id);
    return status && { ...targetView(status), config: await configOf("targets", id) };
  };
  return [
    { section: "rules", noun: "rule", key: "id", schema: "Rule", list: rules, one: rule },
    {
      section: "pools",
      noun: "pool",
      key: "name",
      schema: "Pool",
      list: async () => (await dataPlane.status()).pools.map(poolView),
      one: pool,
    },
    {
      section: "targets",
      noun: "target",
      key: "id",
      schema: "Target",
      list: async () => (await dataPlane.status()).targets.map(targetView),
      one: target,
    },
  ];
}

function readRoutes({ section, noun, key, list, one }: Kind, { table }: AdminContext): AdminRoute[] {
  const all = async (): Promise<AdminReply> => tagged(table, await list());
  const single = async ({ params }: AdminRequest): Promise<AdminReply> => {
    const { version } = table.status;
    const found = await one(params[key] ?? "");
    if (found === undefined) return problemReply(404, `there is no ${noun} ${params[key]}`);
    return { status: 200, body: found, headers: { etag: etagOf(version) } };
  };
  const common = { method: "GET", role: "viewer" } as const;
  const told = section === "rules" ? "as written in the config" : "with how it does now";
  return [
    { ...common, path: `/api/v1/${section}`, summary: `All ${section}, ${told}.`, handle: all },
    {
      ...common,
      path: `/api/v1/${section}/{${key}}`,
      summary: section === "rules" ? "One rule." : `One ${noun}: how it does, and its \`config\`.`,
      statuses: [404],
      handle: single,
    },
  ];
}

function tagged({ status }: RouteTable, body: unknown): AdminReply {
  return { status: 200, body, headers: { etag: etagOf(status.version) } };
}

function writeRoutes(kind: Kind, context: AdminContext): AdminRoute[] {
  const { section, noun, key, schema } = kind;
  const change = async (request: AdminRequest, made: Made): Promise<AdminReply> => {
    const { query, guard } = request;
    if ("status" in made) return made;
    const force = query.get("force") ?? "false";
    if (force !== "true" && force !== "false") return problemReply(400, "`force` is true or false");
    return changeReply(await context.table.edit(made, guard, force === "true", wishOf(request, context)), noun);
  };
  const before = { before: `Put it in front of this ${noun}; otherwise at the end.` };
  const one = { ...CHANGE, path: `/api/v1/${section}/{${key}}`, query: FORCE };
  return [
    {
      ...CHANGE,
      method: "POST",
      path: `/api/v1/${section}`,
      summary: `Add a ${noun}.`,
      body: elementBody(section === "pools" ? "NamedPool" : schema),
      query: section === "pools" ? FORCE : { ...before, ...FORCE },
      handle: (request) => change(request, addition(kind, request)),
    },
    {
      ...one,
      method: "PUT",
      summary: `Change a ${noun}: what is written there is what it is then.`,
      body: elementBody(schema),
      handle: (request) => change(request, replacement(kind, request)),
    },
    {
      ...one,
      method: "DELETE",
      summary: `Remove a ${noun}.`,
      handle: (request) => change(request, { kind: "remove", section, id: request.params[key] ?? "" }),
    },
  ];
}

const FORCE = { ...WISH, force: "true: also when items that have a way now would have none." };

type Made = Edit | AdminReply;

function addition({ section, noun, key }: Kind, { body, query }: AdminRequest): Made {
  const parsed = parseMapping(body);
  if (!parsed.ok) return parsed.reply;
  const id = parsed.value[key];
  if (typeof id !== "string" || id === "") {
    return wrong(key, `a ${noun} needs ${key === "id" ? "an id" : "a name"}`, `add ${key}: ...`);
  }
  if (!NAME_PATTERN.test(id) || id === "__proto__") {
    return wrong(key, "is not a valid name", "1 to 63 letters, digits, dots, underscores and hyphens");
  }
  const before = query.get("before") ?? undefined;
  if (before !== undefined && section === "pools") return problemReply(400, "pools have no order");
  return { kind: "add", section, id, value: valueOf(section, id, parsed.value), before };
}

function replacement({ section, noun, key }: Kind, { body, params }: AdminRequest): Made {
  const parsed = parseMapping(body);
  if (!parsed.ok) return parsed.reply;
  const id = params[key] ?? "";
  const written = parsed.value[key] ?? id;
  if (written !== id)
    return wrong(key, `this is the ${noun} ${id}`, `leave ${key} out, or add another ${noun} and remove this`);
  return { kind: "put", section, id, value: valueOf(section, id, parsed.value) };
}

/** As the document has it: the name of a pool is its key, and not in it. */
function valueOf(section: Section, id: string, values: Values): Values {
  if (section !== "pools") return { id, ...values };
  const { name: _name, ...value } = values;
  return value;
}

function wrong(path: string, message: string, hint: string): AdminReply {
  return problemsReply(422, message, [errorAt(path, message, hint)]);
}
