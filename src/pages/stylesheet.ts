// The one stylesheet: tokens first, then what every page is made of, then what tables and charts need.
import { BASE } from './style/base.ts'
import { DATA } from './style/data.ts'
import { PARTS } from './style/parts.ts'
import { PORTAL } from './style/portal.ts'
import { TOKENS } from './style/tokens.ts'

// Indentation stays in the source; comments stand outside the texts, which weigh in the bundle.
function packed(css: string): string {
  return css.replace(/\n\s*/g, '\n').replace(/\n+/g, '\n').trim()
}

export const STYLESHEET: string = packed([TOKENS, BASE, PARTS, DATA, PORTAL].join('\n'))
