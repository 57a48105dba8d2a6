// `npm run conformance:legacy`: the scenarios of 2026-07-28 through the broker in front of a server that speaks 2025-11-25 alone.
import { runBridge } from './bridge-run.ts'
import { NOT_TRANSLATED } from './not-translated.ts'

process.exitCode = await runBridge({
  name: '2026-07-28 in front of 2025-11-25',
  requirements: '2026-07-28',
  behind: { isLegacyOnly: true },
  listed: { era_bridge: true },
  notTranslated: NOT_TRANSLATED,
})
