import { CHANGE_QUERY, publishTermsOf } from "./publish-query.ts";
import { type Edit, isKeyed, type Section } from "../control/document/element.ts";
import { NAME_PATTERN } from "../config/schema/values.ts";
import type { Element, RouteTable } from "../control/route-table.ts";
import { AsWritten } from "../core/hide.ts";
import type { AdminContext } from "./context.ts";
import { isValues, type Values } from "../config/values.ts";
import { elementBody, parseMapping } from "./body.ts";
import { changeReply, errorAt, etagOf, problemReply, problemsReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute, CHANGE, READ } from "./route.ts";
import { poolView, targetView } from "./views.ts";

/** What is different between rules, pools, targets and regions. */
interface Kind {
  readonly section: Section;
  readonly noun: string;
  /** The key that names one, in paths and bodies. */
  readonly key: "id" | "name";
  readonly schema: string;
  /** The schema of one that is added. */
  readonly added: string;
  /** What runs has no state of it: it is told as it is written. */
  readonly asWritten: boolean;
  /** All of them, as `GET` of the section tells. */
  readonly list: () => Promise<unknown>;
  /** One of them; undefined when there is none. */
  readonly one: (id: string) => Promise<unknown>;
}

/** Rules, pools, targets and regions: all, one, add, change, remove. */
export function elementRoutes(context: AdminContext): AdminRoute[] {
  return kindsOf(context).flatMap((kind) => [...readRoutes(kind, context), ...writeRoutes(kind, context)]);
}

function kindsOf(context: AdminContext): Kind[] {
  return [...kindsWithState(context), ...writtenKinds(context)];
}

/** Of which there is no more than what stands in the config. */
function writtenKinds({ table }: AdminContext): Kind[] {
  const kind = (
    common: Pick<Kind, "section" | "noun" | "schema" | "added">,
    view: (element: Element) => unknown,
  ): Kind => ({
    ...common,
    key: "id",
    asWritten: true,
    list: async () => new AsWritten((await table.elements(common.section)).map(view)),
    one: async (id) => {
      const found = await table.element(common.section, id);
      return found && new AsWritten(view(found));
    },
  });
  return [
    kind({ section: "rules", noun: "rule", schema: "Rule", added: "Rule" }, ({ value }) => value),
    kind({ section: "regions", noun: "region", schema: "Region", added: "NamedRegion" }, regionView),
  ];
}

function kindsWithState({ table, dataPlane }: AdminContext): Kind[] {
  const configOf = async (section: Section, id: string): Promise<unknown> =>
    new AsWritten((await table.element(section, id))?.value ?? null);
  const pool = async (name: string): Promise<unknown> => {
    const status = (await dataPlane.status()).pools.find((known) => known.name === name);
    return status && { ...poolView(status), config: await configOf("pools", name) };
  };
  const target = async (id: string): Promise<unknown> => {
    const status = (await dataPlane.status()).targets.find((known) => known.id === id);
    return status && { ...targetView(status), config: await configOf("targets", id) };
  };
  return [
    {
      section: "pools",
      noun: "pool",
      key: "name",
      schema: "Pool",
      added: "NamedPool",
      asWritten: false,
      list: async () => (await dataPlane.status()).pools.map(poolView),
      one: pool,
    },
    {
      section: "targets",
      noun: "target",
      key: "id",
      schema: "Target",
      added: "Target",
      asWritten: false,
      list: async () => (await dataPlane.status()).targets.map(targetView),
      one: target,
    },
  ];
}

function regionView({ id, value }: Element): unknown {
  return { id, ...(isValues(value) ? value : {}) };
}

function readRoutes({ section, noun, key, asWritten, list, one }: Kind, { table }: AdminContext): AdminRoute[] {
  const all = async (): Promise<AdminReply> => tagged(table, await list());
  const single = async ({ params }: AdminRequest): Promise<AdminReply> => {
    const { version } = table.status;
    const found = await one(params[key] ?? "");
    if (found === undefined) return problemReply(404, `there is no ${noun} ${params[key]}`);
    return { status: 200, body: found, headers: { etag: etagOf(version) } };
  };
  const told = asWritten ? "as written in the config" : "with how it does now";
  return [
    { ...READ, path: `/api/v1/${section}`, summary: `All ${section}, ${told}.`, handle: all },
    {
      ...READ,
      path: `/api/v1/${section}/{${key}}`,
      summary: asWritten ? `One ${noun}.` : `One ${noun}: how it does, and its \`config\`.`,
      statuses: [404],
      handle: single,
    },
  ];
}

function tagged({ status }: RouteTable, body: unknown): AdminReply {
  return { status: 200, body, headers: { etag: etagOf(status.version) } };
}

function writeRoutes(kind: Kind, context: AdminContext): AdminRoute[] {
  const { section, noun, key, schema, added } = kind;
  const change = async (request: AdminRequest, made: Made): Promise<AdminReply> => {
    const { query, guard } = request;
    if ("status" in made) return made;
    const force = query.get("force") ?? "false";
    if (force !== "true" && force !== "false") return problemReply(400, "`force` is true or false");
    return changeReply(await context.table.edit(made, guard, force === "true", publishTermsOf(request, context)), noun);
  };
  const before = { before: `Put it in front of this ${noun}; otherwise at the end.` };
  const one = { ...CHANGE, path: `/api/v1/${section}/{${key}}`, query: FORCE };
  return [
    {
      ...CHANGE,
      method: "POST",
      path: `/api/v1/${section}`,
      summary: `Add a ${noun}.`,
      body: elementBody(added),
      query: isKeyed(section) ? FORCE : { ...before, ...FORCE },
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

const FORCE = { ...CHANGE_QUERY, force: "true: also when items that have a way now would have none." };

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
  if (before !== undefined && isKeyed(section)) return problemReply(400, `${section} have no order`);
  return { kind: "add", section, id, value: valueOf({ section, key }, id, parsed.value), before };
}

function replacement({ section, noun, key }: Kind, { body, params }: AdminRequest): Made {
  const parsed = parseMapping(body);
  if (!parsed.ok) return parsed.reply;
  const id = params[key] ?? "";
  const written = parsed.value[key] ?? id;
  if (written !== id)
    return wrong(key, `this is the ${noun} ${id}`, `leave ${key} out, or add another ${noun} and remove this`);
  return { kind: "put", section, id, value: valueOf({ section, key }, id, parsed.value) };
}

/** As the document has it: the name of a pool, or of a region, is its key, and not in it. */
function valueOf({ section, key }: Pick<Kind, "section" | "key">, id: string, values: Values): Values {
  if (!isKeyed(section)) return { id, ...values };
  const { [key]: _name, ...value } = values;
  return value;
}

function wrong(path: string, message: string, hint: string): AdminReply {
  return problemsReply(422, message, [errorAt(path, message, hint)]);
}
