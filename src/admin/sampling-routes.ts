import { reasonOf, RouterError } from "../core/errors.ts";
import {
  changedConfig,
  SamplingChangeSchema,
  type SamplingSettingsWritten,
  settingsOf,
  trySampling,
} from "../control/sampling/try-sampling.ts";
import type { ReceivedBy, SamplingSource } from "../control/sampling/sampling-source.ts";
import { smallBody } from "./body.ts";
import type { AdminContext } from "./context.ts";
import { changeReply, etagOf, problemReply, problemsReply } from "./reply.ts";
import { type AdminReply, type AdminRequest, type AdminRoute, CHANGE, READ } from "./route.ts";
import { randomnessView, regionSamplingView, samplingView, triedView } from "./sampling-view.ts";
import { CHANGE_QUERY, publishTermsOf } from "./publish-query.ts";

const PATH = "/api/v1/sampling";

/** What is kept of what comes, what that is due to, and what other settings would make of it. */
export function samplingRoutes(context: AdminContext): AdminRoute[] {
  return [
    {
      ...READ,
      path: PATH,
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
      ...smallBody("required", SamplingChangeSchema, (asked, request) => change(asked, request, context)),
    },
    {
      method: "POST",
      path: `${PATH}/dry-run`,
      role: "viewer",
      summary: "What other settings would keep of what is received now; nothing changes.",
      statuses: [422, 503],
      ...smallBody("required", SamplingChangeSchema, (asked, request) => dryRun(asked, request, context)),
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

type AskedSampling = Parameters<typeof settingsOf>[0];

async function change(asked: AskedSampling, request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const patch = await writtenOf(asked, context);
  if (typeof patch === "string") return problemReply(422, patch);
  const terms = publishTermsOf(request, context);
  return changeReply(await context.table.edit(editOf(patch), request.guard, true, terms), "setting");
}

function editOf(patch: SamplingSettingsWritten) {
  return { kind: "merge", at: ["global"], patch } as const;
}

async function dryRun(
  asked: AskedSampling,
  { role, signal }: AdminRequest,
  context: AdminContext,
): Promise<AdminReply> {
  const settings = await writtenOf(asked, context);
  if (typeof settings === "string") return problemReply(422, settings);
  const { sampling, table, walk } = context;
  // What cannot be set is not tried either.
  const follow = role === "admin" ? "allowed" : "none";
  const problems = Object.keys(settings).length === 0 ? [] : await table.validateEdit(editOf(settings), follow);
  if (problems.some(({ severity }) => severity === "error")) {
    return problemsReply(422, "the config would have problems", problems);
  }
  const config = changedConfig(walk.status.running, settings);
  if (typeof config === "string") return problemReply(422, config);
  const received = await readReceivedBy(sampling, signal);
  if (!received.ok) return received.reply;
  return { status: 200, body: triedView(received.by, trySampling(config, received.by.rows), config) };
}

/** As it is to stand in the document; what is wrong, in words. */
async function writtenOf(asked: AskedSampling, { table }: AdminContext): Promise<SamplingSettingsWritten | string> {
  return settingsOf(asked, await table.written("global", "sampling_strategies"));
}
