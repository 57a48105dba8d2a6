// `npm run conformance:modern`: the scenarios of 2025-11-25 through the broker in front of a server that speaks 2026-07-28 alone.
import { runBridge } from './bridge-run.ts'

process.exitCode = await runBridge({
  name: '2025-11-25 in front of 2026-07-28',
  requirements: '2025-11-25',
  behind: { isModernOnly: true },
  listed: {},
  notTranslated: new Map([
    ['server-sse-polling', 'a server of 2026-07-28 does not end the stream of a call before its answer, which this waits for'],
    [
      'server-sse-multiple-streams',
      'such a server answers in JSON what needs no stream, and so does the broker: streams are optional',
    ],
  ]),
})
