// edge-operations/testing: runs methods without a runtime, in Node and its test runners.
export { type CrashOptions, type CrashReport, crashEverywhere } from "./testing/crash-everywhere";
export type {
  AskedSuspension,
  LogLine,
  MethodRun,
  RunMethodOptions,
  TestAnswer,
  TestAnswers,
  TestChild,
  TestChildren,
  TestInput,
  TestedChild,
  TestedStep,
} from "./testing/method-run";
export { runMethod } from "./testing/run-method";
export { type StepCall, type StepMock, type StepMocks, hangs, takes } from "./testing/step-mock";
