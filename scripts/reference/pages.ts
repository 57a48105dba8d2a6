// Which documents follow from the code, and what is in each.
import { adminApiReference } from './admin-api.ts'
import { openApi } from './openapi.ts'
import { settingsReference } from './settings.ts'

export const GENERATED: ReadonlyMap<string, () => string> = new Map([
  ['docs/reference/settings.md', settingsReference],
  ['docs/reference/admin-api.md', adminApiReference],
  ['src/assets/openapi.json', () => `${JSON.stringify(openApi(), null, 2)}\n`],
])
