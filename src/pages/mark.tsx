// The mark of the product: one session inside its ring, and the opening through which it can be ended.
import { markupOf } from './markup.ts'

const RING = 'M22.4 21.6a9 9 0 1 1 0-11.2'

/** Drawn with its own colours, so that it looks the same in a page, in a tab and on a dark screen. */
export function Mark({ size = 28 }: { readonly size?: number }) {
  return (
    <svg xmlns="http://www.w3.org/2000/svg" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" class="mark">
      <rect width="32" height="32" rx="8" fill="#0b5d4e" />
      <path d={RING} fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" />
      <path d="M16 16h10.5" stroke="#7fe3c4" stroke-width="2.6" stroke-linecap="round" />
      <circle cx="15.6" cy="16" r="3.1" fill="#fff" />
    </svg>
  )
}

export const MARK_SVG: string = markupOf(<Mark size={32} />)
