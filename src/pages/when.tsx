// When something was: the short way a person says it, and the exact time for those who look.

const MINUTE = 60
const HOUR = 3_600
const DAY = 86_400

/** Seconds in the largest unit that fits: `12 s`, `5 min`, `3 h`, `8 d`. */
export function durationOf(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < MINUTE) return `${whole} s`
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h`
  return `${Math.floor(whole / DAY)} d`
}

/** Unix seconds as `2026-11-21 14:03:22 UTC`, or with milliseconds. */
function exactly(at: number, isPrecise = false): string {
  const iso = new Date(at * 1000).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, isPrecise ? 23 : 19)} UTC`
}

interface Moment {
  /** Unix seconds. */
  readonly at: number
  readonly now: number
}

export function Ago({ at, now }: Moment) {
  const span = now - at < MINUTE ? 'just now' : `${durationOf(now - at)} ago`
  return (
    <time class="whole" datetime={new Date(at * 1000).toISOString()} title={exactly(at)}>
      {span}
    </time>
  )
}

/** How long something has lasted; counted in the page, so to the second. */
export function Lasting({ at, now }: Moment) {
  return (
    <time class="whole" datetime={new Date(at * 1000).toISOString()} title={`since ${exactly(at)}`}>
      {durationOf(now - at)}
    </time>
  )
}

export function Exact({ at, isPrecise }: Pick<Moment, 'at'> & { readonly isPrecise?: boolean }) {
  return (
    <time class="whole" datetime={new Date(at * 1000).toISOString()}>
      {exactly(at, isPrecise)}
    </time>
  )
}
