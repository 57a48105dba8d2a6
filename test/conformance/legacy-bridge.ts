// `npm run conformance:legacy`: the scenarios of 2026-07-28 through the broker in front of servers that speak 2025-11-25 alone.
import { runBridge } from './bridge-run.ts'
import { NOT_TRANSLATED, NOT_TRANSLATED_OF_V1 } from './not-translated.ts'

const run = { requirements: '2026-07-28', listed: { era_bridge: true } } as const

const codes = [
  await runBridge({
    ...run,
    name: '2026-07-28 in front of the SDK 1.x',
    behind: { isSdkV1: true },
    notTranslated: NOT_TRANSLATED_OF_V1,
  }),
  await runBridge({
    ...run,
    name: '2026-07-28 in front of the SDK 2.x without its later era',
    behind: { isLegacyOnly: true },
    notTranslated: NOT_TRANSLATED,
  }),
]
process.exitCode = Math.max(...codes)
