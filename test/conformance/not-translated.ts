// Scenarios of 2026-07-28 that a server of the revisions before can not pass behind the bridge, and why: what such a server does not know,
// nobody can say in its place.

const TASKS = 'the tasks of 2026-07-28 are an extension; those of 2025-11-25 are another thing, and neither is translated'

export const NOT_TRANSLATED: ReadonlyMap<string, string> = new Map([
  [
    'http-custom-header-server-validation',
    'Mcp-Param headers repeat arguments for whoever routes by them; in front of an older server nobody does, and its schemas name none',
  ],
  [
    'input-required-result-basic-elicitation',
    'the scenario wants the key “user_name”; an older server gives its questions no keys, so the broker does',
  ],
  ['input-required-result-ignore-extra-params', 'the same'],
  ['input-required-result-capability-check', 'an older server goes by what was declared in `initialize`, not by each request'],
  [
    'server-stateless',
    'two of its checks want -32021 of a tool; an older server has no such error, and works without what was not declared',
  ],
  ['tasks-capability-negotiation', TASKS],
  ['tasks-dispatch-and-envelope', TASKS],
  ['tasks-lifecycle', TASKS],
  ['tasks-mrtr-composition', TASKS],
  ['tasks-mrtr-input', TASKS],
  ['tasks-request-headers', TASKS],
  ['tasks-request-state-removal', TASKS],
  ['tasks-required-task-error', TASKS],
  ['tasks-wire-fields', TASKS],
])

/** The same in front of a server of the SDK 1.x, which asks in other words. */
export const NOT_TRANSLATED_OF_V1: ReadonlyMap<string, string> = new Map(NOT_TRANSLATED)
