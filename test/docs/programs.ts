/** What a program says that it prints: the comments behind `//=>`, line by line. */
export function printsOf(text: string): string[] {
  return [...text.matchAll(/ \/\/=> (?<out>.*)$/gmu)].map((match) => match.groups?.["out"] ?? "");
}
