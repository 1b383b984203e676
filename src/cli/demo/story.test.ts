import assert from "node:assert/strict";
import { test } from "node:test";
import { captionOf, openingOf, planStory, type Story, type StoryFacts, stepStory } from "./story.ts";

const PLAN = planStory(30_000);
const facts = (more: Partial<StoryFacts>): StoryFacts => ({
  elapsedMs: 0,
  paymentsOn: "primary",
  primaryRuns: true,
  ...more,
});

const steps: { name: string; story: Story; facts: Partial<StoryFacts>; phase: Story["phase"]; action?: string }[] = [
  { name: "calm lasts its time", story: openingOf(PLAN), facts: { elapsedMs: 7_499 }, phase: "calm" },
  {
    name: "after that the primary is stopped",
    story: openingOf(PLAN),
    facts: { elapsedMs: 7_500 },
    phase: "outage",
    action: "stop_primary",
  },
  {
    name: "the outage goes on until the payments have moved",
    story: { phase: "outage", sinceMs: 8_000 },
    facts: { elapsedMs: 15_000, primaryRuns: false },
    phase: "outage",
  },
  {
    name: "then the primary is started",
    story: { phase: "outage", sinceMs: 8_000 },
    facts: { elapsedMs: 13_000, primaryRuns: false, paymentsOn: "standby" },
    phase: "return",
    action: "start_primary",
  },
  {
    name: "a primary that could not start is left alone for a moment",
    story: { phase: "return", sinceMs: 13_000, tryAtMs: 14_000 },
    facts: { elapsedMs: 13_900, primaryRuns: false, paymentsOn: "standby" },
    phase: "return",
  },
  {
    name: "and is started again then",
    story: { phase: "return", sinceMs: 13_000, tryAtMs: 14_000 },
    facts: { elapsedMs: 14_000, primaryRuns: false, paymentsOn: "standby" },
    phase: "return",
    action: "start_primary",
  },
  {
    name: "the return lasts until the payments are back, however late that is",
    story: { phase: "return", sinceMs: 20_000, tryAtMs: 21_000 },
    facts: { elapsedMs: 31_000, paymentsOn: "standby" },
    phase: "return",
  },
  {
    name: "but not for ever",
    story: { phase: "return", sinceMs: 20_000, tryAtMs: 21_000 },
    facts: { elapsedMs: 35_000, paymentsOn: "standby" },
    phase: "restored",
  },
  {
    name: "with the payments back, all is restored",
    story: { phase: "return", sinceMs: 13_000, tryAtMs: 14_000 },
    facts: { elapsedMs: 16_000 },
    phase: "restored",
  },
  {
    name: "restored lasts to the end",
    story: { phase: "restored", sinceMs: 0 },
    facts: { elapsedMs: 29_999 },
    phase: "restored",
  },
  {
    name: "and then it is over",
    story: { phase: "restored", sinceMs: 16_000 },
    facts: { elapsedMs: 30_000 },
    phase: "over",
  },
];
for (const { name, story, facts: more, phase, action } of steps) {
  test(`story: ${name}`, () => {
    const next = stepStory(story, facts(more), PLAN);
    assert.deepEqual([next.story.phase, next.action], [phase, action]);
  });
}

test("story: without an end it begins again a minute after all is restored", () => {
  const plan = planStory(Infinity);
  const restored: Story = { phase: "restored", sinceMs: 16_000 };
  assert.equal(stepStory(restored, facts({ elapsedMs: 75_999 }), plan).story.phase, "restored");
  assert.equal(stepStory(restored, facts({ elapsedMs: 76_000 }), plan).story.phase, "calm");
});

test("story: every phase has a caption that fits into 79 columns", () => {
  const stories: Story[] = [
    openingOf(PLAN),
    { phase: "outage", sinceMs: 0 },
    { phase: "return", sinceMs: 0, tryAtMs: 0 },
    { phase: "restored", sinceMs: 0 },
    { phase: "over" },
  ];
  for (const story of stories) {
    const caption = captionOf(story, 0, PLAN);
    assert.ok(caption.length > 0 && caption.length <= 79, caption);
  }
});
