// What whoever runs the process asks for, self-hosted: POST /drain tells every open stream that the broker is about to end.
import { BoundedMap } from '../platform/bounded-map.ts'
import { describeError, log } from '../platform/telemetry.ts'
import type { Services } from '../services.ts'

/** Objects asked at once. */
const AT_ONCE = 100

/** Whose objects have woken in this process, which has but one isolate: nobody else can have a stream here. Far more than one process carries. */
const MOST_WOKEN = 100_000
const woken = new BoundedMap<string, true>(MOST_WOKEN)

export function noteWoken(sub: string): void {
  woken.set(sub, true)
}

export async function operate(request: Request, services: Pick<Services, 'session'>): Promise<Response> {
  if (request.method !== 'POST' || new URL(request.url).pathname !== '/drain') return new Response(null, { status: 404 })
  const subs = [...woken.keys()]
  for (let at = 0; at < subs.length; at += AT_ONCE) {
    await Promise.all(subs.slice(at, at + AT_ONCE).map((sub) => services.session(sub).shutDown().catch(failed)))
  }
  log('info', 'drain.told', { people: subs.length })
  return Response.json({ people: subs.length })
}

/** The others are told all the same; this stream ends with the process. */
function failed(error: unknown): void {
  log('warn', 'drain.failed', { reason: describeError(error) })
}
