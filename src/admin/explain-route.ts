import { z } from "zod";
import { formatPath } from "../config/finding.ts";
import { issueText } from "../config/issue-text.ts";
import { type ExplainInput, readExplainInput, simpleRequest } from "../plan/explain-input.ts";
import { SIMPLE_ITEM_SHAPE, SimpleItemSchema } from "../plan/simple-item.ts";
import { EXPLAIN_BODY } from "./body-specs.ts";
import type { AdminContext } from "./context.ts";
import { parseJsonMapping } from "./parse-body.ts";
import { problemReply } from "./problem-details.ts";
import { errorAt, problemsReply } from "./problem-list.ts";
import { type AdminBody, type AdminReply, JSON_TYPE, type Route } from "./route.ts";

/** What would become of data, by the rules, pools and targets as they are now. */
export function explainRoute(context: AdminContext): Route {
  let last: Promise<unknown> = Promise.resolve(); // one after the other: each takes some of the data plane's time
  return {
    method: "POST",
    path: "/api/v1/explain",
    role: "viewer",
    summary: "What would become of a request, or of one item, if it came now; nothing of it is carried out.",
    type: JSON_TYPE,
    statuses: [400, 408, 413, 415, 422, 429, 503],
    body: EXPLAIN_BODY,
    work: "explain",
    handle: ({ body }) => {
      const mine = last.then(() => reply(body, context));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

const MAX_ITEMS = 1_000;
const DEFAULT_ITEMS = 20;

const BodySchema = z.strictObject({
  request: z.record(z.string(), z.unknown()).optional(),
  protobuf: z.base64().optional(),
  item: SimpleItemSchema.optional(),
  signal: SIMPLE_ITEM_SHAPE.signal,
  region: SIMPLE_ITEM_SHAPE.region,
  headers: SIMPLE_ITEM_SHAPE.headers,
  max_items: z.int().min(1).max(MAX_ITEMS).default(DEFAULT_ITEMS),
});

async function reply(body: AdminBody | undefined, { dataPlane }: AdminContext): Promise<AdminReply> {
  if (body === undefined) return problemReply(400, "this needs a body");
  const mapping = parseJsonMapping(body);
  if (!mapping.ok) return mapping.reply;
  const parsed = BodySchema.safeParse(mapping.values, { error: issueText });
  if (!parsed.success) return problemsReply(422, "the body has problems", parsed.error.issues.map(toProblem));
  const { request, protobuf, item, signal, max_items: maxItems } = parsed.data;
  const given = [request, protobuf, item].filter((one) => one !== undefined);
  if (given.length !== 1) return problemReply(422, "the body needs one of request, protobuf and item");
  const input = read(parsed.data);
  if (!input.ok) return problemReply(422, input.message);
  if (signal !== undefined && signal !== input.signal)
    return problemReply(422, `it is a request of ${input.signal}, not of ${signal}`);
  const { bytes, note } = input;
  const { region = item?.region, headers = item?.headers } = parsed.data;
  const asked = { signal: input.signal, bytes, region, headers, maxItems };
  const explanation = await dataPlane.explainAside(asked);
  const { length } = explanation.items;
  const isCut = explanation.refusal === null && length < Math.min(maxItems, explanation.total_items);
  const notes = [note, isCut ? `the rules are many: only the first ${length} items are explained` : ""];
  const told = notes.filter((one) => one !== "").join("; ");
  return { status: 200, body: told === "" ? explanation : { ...explanation, note: told } };
}

function read({ request, protobuf, item, signal }: z.output<typeof BodySchema>): ExplainInput {
  if (item !== undefined) return simpleRequest(signal === undefined ? item : { signal, ...item });
  if (protobuf !== undefined) return readExplainInput(Buffer.from(protobuf, "base64"), signal);
  const text = textOf(request);
  return text === undefined ? TOO_DEEP : readExplainInput(Buffer.from(text), signal);
}

const TOO_DEEP: ExplainInput = { ok: false, message: "the request is nested too deeply" };

/** Undefined when values nest thousands of levels deep: reading such a text takes no stack, writing it does. */
function textOf(values: unknown): string | undefined {
  try {
    return JSON.stringify(values);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return undefined;
  }
}

function toProblem(issue: z.core.$ZodIssue): ReturnType<typeof errorAt> {
  const path = formatPath(issue.path.map((part) => (typeof part === "symbol" ? String(part) : part)));
  const [message = issue.message, hint] = issue.message.split("\n");
  return errorAt(path, message, hint);
}
