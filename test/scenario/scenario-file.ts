import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

/** Runs one command of a scenario and gives its output, a line for each thing that happened. */
export type RunCommand = (command: string) => readonly string[];

/**
 * A test for each `.txt` in the folder: comments, commands, `----`, what they print, an empty line,
 * and so on. Each file gets a world of its own. With REWRITE=1 the files are written anew with what
 * happened, to be reviewed as prose.
 */
export function scenarioFiles(folder: string, newWorld: () => RunCommand): void {
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".txt"))) {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8");
    const title = /^# (.*)$/mu.exec(text)?.[1] ?? name;
    test(`${name.replace(".txt", "")}: ${title}`, () => {
      const played = play(text, newWorld());
      if (process.env["REWRITE"] === "1") writeFileSync(path, played);
      else assert.equal(played, text);
    });
  }
}

/** The text of the file as it would be after a run. */
function play(text: string, run: RunCommand): string {
  const blocks = text.trimEnd().split(/\n{2,}/u);
  return `${blocks.map((block) => playBlock(block, run)).join("\n\n")}\n`;
}

function playBlock(block: string, run: RunCommand): string {
  const [input = ""] = block.split(/^----$/mu);
  const lines = input.trimEnd().split("\n");
  const commands = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (commands.length === 0) return block;
  const output = commands.flatMap((command) => run(command));
  return [...lines, "----", ...output].join("\n");
}
