// edge-operations/testing: runs methods without a runtime, in Node and its test runners.
export { type CrashOptions, type CrashReport, crashEverywhere } from "./testing/crash-everywhere";
export { type MethodRun, type RunMethodOptions, type TestedStep, runMethod } from "./testing/run-method";
export { type StepCall, type StepMock, type StepMocks, hangs, takes } from "./testing/step-mock";
export type { AskedSuspension, TestAnswer, TestAnswers } from "./testing/test-answers";
export type { TestInput } from "./testing/start";
export type { LogLine } from "./testing/test-run";
