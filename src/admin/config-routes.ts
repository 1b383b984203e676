import { z } from "zod";
import { shownVersion } from "../control/history/entry.ts";
import type { RouteTable } from "../control/route-table.ts";
import { AsWritten } from "../core/hide.ts";
import { DOCUMENT_BODY, jsonFaultOf, NO_BODY, smallBody } from "./body.ts";
import { changeReply, etagOf, malformedReply, problemList, problemReply } from "./reply.ts";
import type { AdminContext } from "./context.ts";
import {
  type AdminBody,
  type AdminReply,
  type AdminRequest,
  CHANGE,
  READ,
  type Role,
  type AdminRoute,
  YAML_TYPE,
} from "./route.ts";
import { configView } from "./views.ts";
import { CHANGE_QUERY, PUBLISH_QUERY, publishTermsOf } from "./publish-query.ts";

/**
 * The config as a whole: read, apply, validate, its versions, what differs between them, and the
 * way back.
 */
export function configRoutes(context: AdminContext): AdminRoute[] {
  return [...runningRoutes(context), ...versionRoutes(context)];
}

const CONFIG_PATH = "/api/v1/config";
const READ_DOCUMENT = { ...READ, work: "document" } as const;
const RollbackSchema = z.strictObject({
  to: z.int().min(1).describe("The version whose document is to run again."),
});
const FORMAT = { format: "json, or yaml for the document as it is written, comments and all." };

function runningRoutes(context: AdminContext): AdminRoute[] {
  const { table } = context;
  return [
    {
      ...READ_DOCUMENT,
      path: CONFIG_PATH,
      summary: "The running config, secrets redacted.",
      statuses: [400],
      query: FORMAT,
      handle: ({ query }) => runningConfig(query.get("format"), context),
    },
    {
      ...CHANGE,
      method: "PUT",
      path: CONFIG_PATH,
      summary: "Apply a whole document.",
      body: DOCUMENT_BODY,
      query: PUBLISH_QUERY,
      handle: (request) => replaceConfig(request, context),
    },
    {
      ...READ_DOCUMENT,
      method: "POST",
      path: `${CONFIG_PATH}/validate`,
      summary: "Everything that is wrong with a document, without applying it.",
      body: DOCUMENT_BODY,
      handle: ({ body, role }) => validateConfig(body, role, table),
    },
  ];
}

function versionRoutes(context: AdminContext): AdminRoute[] {
  const { table } = context;
  return [
    {
      ...READ_DOCUMENT,
      path: `${CONFIG_PATH}/versions`,
      summary: "The versions that are kept, newest first: when, by whom, what changed, and whether it was tried.",
      handle: async () => ({
        status: 200,
        body: (await table.versions()).map(shownVersion),
        headers: { etag: etagOf(table.status.version) },
      }),
    },
    {
      ...READ_DOCUMENT,
      path: `${CONFIG_PATH}/versions/{version}`,
      summary: "One version and its document, secrets redacted.",
      statuses: [400, 404],
      query: FORMAT,
      handle: ({ params, query }) => oneVersion(params["version"] ?? "", query.get("format"), context),
    },
    {
      ...READ_DOCUMENT,
      path: `${CONFIG_PATH}/diff`,
      summary: "What differs between two versions: rules, pools, targets, paths, and the text.",
      statuses: [400, 404],
      query: { from: "A version; default: the one before `to`.", to: "A version; default: the running one." },
      handle: ({ query }) => diffReply(query, context),
    },
    {
      ...CHANGE,
      method: "POST",
      path: `${CONFIG_PATH}/rollback`,
      summary: "Apply the document of an older version as a new one.",
      query: CHANGE_QUERY,
      ...smallBody("required", RollbackSchema, ({ to }, request) => rollback(to, request, context)),
    },
  ];
}

async function replaceConfig(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const { body, guard } = request;
  if (body === undefined) return NO_BODY;
  const fault = jsonFaultOf(body);
  if (fault !== undefined) return malformedReply([fault]);
  return changeReply(await context.table.replace(body, guard, publishTermsOf(request, context)), "config");
}

async function validateConfig(body: AdminBody | undefined, role: Role, table: RouteTable): Promise<AdminReply> {
  if (body === undefined) return NO_BODY;
  const fault = jsonFaultOf(body);
  if (fault !== undefined) return { status: 200, body: { valid: false, problems: problemList([fault]) } };
  const { valid, problems } = await table.validate(body, role === "admin" ? "allowed" : "none");
  return { status: 200, body: { valid, problems: problemList(problems) } };
}

async function rollback(to: number, request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  return changeReply(await context.table.rollback(to, request.guard, publishTermsOf(request, context)), "version");
}

async function runningConfig(format: string | null, { table, walk }: AdminContext): Promise<AdminReply> {
  const headers = { etag: etagOf(table.status.version) };
  if (format === null || format === "json") return { status: 200, body: configView(walk.status), headers };
  if (format !== "yaml") return unknownFormat();
  return { status: 200, body: await table.text(), type: YAML_TYPE, headers };
}

async function oneVersion(text: string, format: string | null, { table }: AdminContext): Promise<AdminReply> {
  const version = versionOf(text);
  if (version === undefined) return problemReply(400, `${text} is no version`);
  if (format === "yaml") {
    const document = await table.versionText(version);
    return document === undefined ? notKept(version) : { status: 200, body: document, type: YAML_TYPE };
  }
  if (format !== null && format !== "json") return unknownFormat();
  const found = await table.version(version);
  if (found === undefined) return notKept(version);
  const headers = { etag: etagOf(version) };
  return { status: 200, body: { ...shownVersion(found.info), config: new AsWritten(found.config) }, headers };
}

async function diffReply(query: AdminRequest["query"], { table }: AdminContext): Promise<AdminReply> {
  const to = versionOf(query.get("to") ?? String(table.status.version));
  if (to === undefined) return problemReply(400, "`to` is no version");
  const versions = await table.versions();
  const previous = versions.find(({ version, state }) => version < to && state === undefined)?.version;
  const from = query.has("from") ? versionOf(query.get("from") ?? "") : previous;
  if (query.has("from") && from === undefined) return problemReply(400, "`from` is no version");
  if (from === undefined) return problemReply(404, `no version before ${to} is kept`);
  const diff = await table.diff(from, to);
  if (diff !== undefined) return { status: 200, body: new AsWritten({ from, to, ...diff }) };
  return notKept(versions.some(({ version }) => version === from) ? to : from);
}

function versionOf(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/u.test(text) ? Number(text) : undefined;
}

function notKept(version: number): AdminReply {
  return problemReply(404, `version ${version} is not kept; /api/v1/config/versions lists those that are`);
}

function unknownFormat(): AdminReply {
  return problemReply(400, "`format` is json or yaml");
}
