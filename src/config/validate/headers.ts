import { isCredential, neverForwarded } from "../../core/header-name.ts";
import type { Condition } from "../condition-type.ts";
import { caution, type Finding, fault } from "../finding.ts";
import { listOf, type Outline, type OutlinePool, type OutlineTarget, textOf, valuesOf } from "../outline.ts";
import type { AskedEntries } from "./asked-rules.ts";
import { targetsIn } from "./references.ts";
import { writtenConditions } from "./written-conditions.ts";

/** What may be passed on of senders' headers, and which pools credentials go through. */
export function checkForwardHeaders(outline: Outline): Finding[] {
  return [...outline.targets.flatMap(checkNames), ...checkCredentials(outline)];
}

function checkNames({ path, values }: OutlineTarget): Finding[] {
  const own = new Set(Object.keys(valuesOf(values["headers"]) ?? {}).map((name) => name.toLowerCase()));
  const seen = new Set<string>();
  return listOf(values["forward_headers"]).flatMap((written, i) => {
    const at = [...path, "forward_headers", i];
    const name = textOf(written)?.toLowerCase();
    if (name === undefined) return [];
    const why = neverForwarded(name);
    if (why !== undefined) return [fault(at, `the header ${name} is never passed on: ${why}`, "leave it out")];
    if (seen.has(name)) return [caution(at, "is there already", "names have no case")];
    seen.add(name);
    if (!own.has(name)) return [];
    return [caution(at, `has no effect: the target has a header ${name} of its own`, "take out one of them")];
  });
}

/**
 * Nothing may keep credentials longer than their sender waits: neither in the pools whose targets are passed them, nor in those that
 * fail over to them, or take over from them.
 */
function checkCredentials(outline: Outline): Finding[] {
  const findings = new Map<OutlinePool, Finding>();
  for (const pool of outline.pools) {
    const chain = chainOf(pool, outline);
    const credential = chain.flatMap((one) => credentialsOf(one, outline))[0];
    if (credential === undefined) continue;
    for (const one of chain) {
      const ack = one.values["ack"] ?? "delivered";
      if (ack === "delivered") continue;
      const message = `${credential} may wait here, and a credential is kept no longer than its sender waits`;
      findings.set(one, fault([...one.path, "ack"], message, "write ack: delivered, also in fallbacks"));
    }
  }
  return [...findings.values()];
}

function chainOf(pool: OutlinePool, { pools }: Outline): OutlinePool[] {
  const chain = new Set<OutlinePool>();
  for (let at: OutlinePool | undefined = pool; at !== undefined && !chain.has(at); ) {
    chain.add(at);
    const fallback: string | undefined = textOf(at.values["fallback"]);
    at = fallback === undefined ? undefined : pools.find(({ name }) => name === fallback);
  }
  return [...chain];
}

/** Credentials that go along into this pool: for its targets, or for the cases of its strategy. */
function credentialsOf({ values }: OutlinePool, outline: Outline): string[] {
  const members = targetsIn(outline, values["targets"]);
  const forwarded = outline.targets
    .filter(({ id }) => id !== undefined && members.has(id))
    .flatMap((target) => listOf(target.values["forward_headers"]));
  const cases = listOf(valuesOf(values["strategy"])?.["cases"]).flatMap((one) => valuesOf(one)?.["conditions"]);
  return [...forwarded, ...headerKeys(cases)].flatMap((name) => {
    const lower = textOf(name)?.toLowerCase();
    return lower !== undefined && isCredential(lower) ? [lower] : [];
  });
}

/** The keys of header conditions anywhere in what is written. */
function headerKeys(written: unknown): unknown[] {
  if (Array.isArray(written)) return written.flatMap(headerKeys);
  const { header, any, not } = valuesOf(written) ?? {};
  const own = valuesOf(header)?.["key"];
  return [own, ...[any, not].filter((one) => one !== undefined).flatMap(headerKeys)];
}

/**
 * Conditions on headers that are credentials: a value in a rule would be a secret that everybody reads who may read rules, and
 * explanations would tell which values fit.
 */
export function checkHeaderConditions({ rules, cases }: AskedEntries): Finding[] {
  return [...rules, ...cases.flat()].flatMap((entry) =>
    writtenConditions(entry).flatMap(({ condition, path }) => {
      if (condition.kind !== "header" || !isCredential(condition.key) || asksOnlyPresence(condition)) return [];
      const message = `${condition.key} is a credential: rules may only ask whether it is there`;
      return [
        fault(path, message, "write exists: true or exists: false, or let senders say who they are in another header"),
      ];
    }),
  );
}

function asksOnlyPresence({ match }: Extract<Condition, { kind: "header" }>): boolean {
  return match.tests.every(({ op }) => op === "exists");
}
