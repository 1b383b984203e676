import { readConfigDirective } from "../fleet/config-reconciler.ts";
import { CONFIG_SCOPE, digestOf } from "../fleet/directive.ts";
import type { DirectiveSource } from "./directive-source.ts";
import type { StoredDirective } from "./stored-directive.ts";

/**
 * Directives as one region is told them: of those who try a config it hears of its own alone, since
 * hundreds of ids would have to be fetched by each of its collectors. All controllers of a region
 * say the same, so that what has one number has one digest.
 */
export function directivesOf(region: string, source: DirectiveSource): DirectiveSource {
  let [known, told]: [StoredDirective | undefined, StoredDirective | undefined] = [undefined, undefined];
  const toldAs = (directive: StoredDirective): StoredDirective => {
    if (directive.scope !== CONFIG_SCOPE) return directive;
    if (directive !== known || told === undefined) [known, told] = [directive, withOwnCanaries(directive, region)];
    return told;
  };
  return {
    newer: (has) => source.newer(has).map((live) => ({ ...live, directive: toldAs(live.directive) })),
    get newest() {
      return source.newest.map(toldAs);
    },
    body: (digest) => source.newest.map(toldAs).find((one) => one.digest === digest)?.body,
    onNews: (hear) => source.onNews(hear),
  };
}

function withOwnCanaries(directive: StoredDirective, region: string): StoredDirective {
  const config = readConfigDirective(directive.body);
  const { candidate } = config ?? {};
  if (config === undefined || candidate?.region === undefined || candidate.region === region) return directive;
  const body = JSON.stringify({ ...config, candidate: { ...candidate, nodes: [], incarnations: [] } });
  return { ...directive, body, digest: digestOf(body) };
}
