import { reasonOf, RouterError } from "../core/errors.ts";
import {
  changedConfig,
  SamplingChangeSchema,
  type SamplingSettingsWritten,
  settingsOf,
  trySampling,
} from "../control/sampling/try-sampling.ts";
import type { ReceivedBy, SamplingSource } from "../control/sampling/sampling-source.ts";
import { checkMapping, parseMapping, smallBody } from "./body.ts";
import type { AdminContext } from "./context.ts";
import { changeReply, etagOf, problemReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute, CHANGE } from "./route.ts";
import { randomnessView } from "./randomness-view.ts";
import { regionSamplingView } from "./sampling-fleet-view.ts";
import { samplingView, triedView } from "./sampling-view.ts";
import { CHANGE_QUERY, publishTermsOf } from "./publish-query.ts";

const PATH = "/api/v1/sampling";

/** What is kept of what comes, what that is due to, and what other settings would make of it. */
export function samplingRoutes(context: AdminContext): AdminRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      role: "viewer",
      summary:
        "What is kept of each class, and why; how strategies do; what this node receives and keeps; how random it is.",
      statuses: [400, 503],
      query: { fleet: "true: also what comes to each region of the fleet, and is kept of it." },
      handle: (request) => samplingReply(request, context),
    },
    {
      ...CHANGE,
      method: "PATCH",
      path: PATH,
      summary: "Change settings of sampling in the config: what is named takes the place of what is there.",
      query: CHANGE_QUERY,
      body: smallBody(SamplingChangeSchema, true),
      handle: (request) => change(request, context),
    },
    {
      method: "POST",
      path: `${PATH}/dry-run`,
      role: "viewer",
      summary: "What other settings would keep of what is received now; nothing changes.",
      statuses: [422, 503],
      body: smallBody(SamplingChangeSchema, true),
      handle: (request) => dryRun(request, context),
    },
  ];
}

async function samplingReply(
  { query, signal }: AdminRequest,
  { sampling, env, table, walk, dataPlane }: AdminContext,
): Promise<AdminReply> {
  const fleet = query.get("fleet") ?? "false";
  if (fleet !== "true" && fleet !== "false") return problemReply(400, "`fleet` is true, or left out");
  const config = walk.status.running;
  const headers = { etag: etagOf(table.status.version) };
  const body = {
    ...samplingView(sampling, config, env.clock),
    randomness: randomnessView(await dataPlane.randomness()),
  };
  if (fleet === "false") return { status: 200, body, headers };
  const received = await readReceivedBy(sampling, signal);
  if (!received.ok) return received.reply;
  const regions = regionSamplingView(received.by.rows, sampling.node, config);
  return { status: 200, body: { ...body, fleet: { received_by: received.by.of, regions } }, headers };
}

type ReceivedRead = { readonly ok: true; readonly by: ReceivedBy } | { readonly ok: false; readonly reply: AdminReply };

async function readReceivedBy(sampling: SamplingSource, signal: AbortSignal): Promise<ReceivedRead> {
  try {
    return { ok: true, by: await sampling.received(signal) };
  } catch (cause) {
    if (!(cause instanceof RouterError)) throw cause;
    return { ok: false, reply: problemReply(503, `what the fleet receives cannot be read: ${reasonOf(cause)}`) };
  }
}

async function change(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const read = await readChange(request.body, context);
  if ("status" in read) return read;
  const edit = { kind: "merge", at: ["global"], patch: read.settings } as const;
  return changeReply(await context.table.edit(edit, request.guard, true, publishTermsOf(request, context)), "setting");
}

async function dryRun({ body, signal }: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const read = await readChange(body, context);
  if ("status" in read) return read;
  const { sampling, walk } = context;
  const config = changedConfig(walk.status.running, read.settings);
  if (typeof config === "string") return problemReply(422, config);
  const received = await readReceivedBy(sampling, signal);
  if (!received.ok) return received.reply;
  return { status: 200, body: triedView(received.by, trySampling(config, received.by.rows), config) };
}

/** As it is to stand in the document. */
async function readChange(
  body: AdminRequest["body"],
  { table }: AdminContext,
): Promise<AdminReply | { readonly settings: SamplingSettingsWritten }> {
  const parsed = checkMapping(parseMapping(body), SamplingChangeSchema);
  if (!parsed.ok) return parsed.reply;
  const settings = settingsOf(parsed.value, await table.written("global", "sampling_strategies"));
  return typeof settings === "string" ? problemReply(422, settings) : { settings };
}
