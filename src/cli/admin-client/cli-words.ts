/** What the API says in its own words, and the command line in others. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\?force=true/gu, "--force"],
  [/; change it with PUT$/u, "; change it with the command set"],
  [/; \/api\/v1\/config\/versions lists those that are/u, "; signalbox config history lists those that are"],
  [/see last_problems of \/api\/v1\/node/u, "signalbox validate tells what is wrong with it"],
  [/; \/openapi\.json lists what there is/u, "; the node may be older than this command"],
  [/If-Match takes a version as in the ETag: "5"/u, "--if-match takes a version, such as 5"],
  [/send a token: Authorization: Bearer <token>/u, "this needs a token"],
  [/\/api\/v1\/node/gu, "the node's status"],
];

/** A text of the API as the command line says it. */
export function inCliWords(text: string): string {
  return WORDS.reduce((left, [pattern, words]) => left.replace(pattern, words), text);
}
