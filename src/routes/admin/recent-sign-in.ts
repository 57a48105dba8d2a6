// What a session alone does not let anybody do: whoever has got hold of one can't sign in at the identity provider, so they are asked to.
import { AdminRefusal } from './refusal.ts'

/** Seconds. Who begins within ten minutes has twenty more to print a kit. */
const BEGUN_WITHIN = 600
const DONE_WITHIN = 1_800

/** Whether there is something to begin. */
export function hasJustSignedIn(signedInAt: number, now: number): boolean {
  return now - signedInAt < BEGUN_WITHIN
}

export function assertSignedInLately(signedInAt: number, now: number, actor: string): void {
  if (now - signedInAt < DONE_WITHIN) return
  throw new AdminRefusal(
    'sign_in_again',
    `sign in again before you do this: your sign-in is older than ${DONE_WITHIN / 60} minutes`,
    actor,
  )
}
