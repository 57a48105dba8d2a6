// What whoever runs the process asks for, self-hosted: POST /drain tells every open stream that the broker is about to end, and
// GET /settings says what is wrong with the settings, in lines for the log.
import { BoundedMap } from '../platform/bounded-map.ts'
import { describeError, log } from '../platform/telemetry.ts'
import { foundation, services } from '../services.ts'
import type { SettingsProblem } from '../settings/problem.ts'
import { SettingsError } from '../settings/settings.ts'

/** Objects asked at once. */
const AT_ONCE = 100

/** Whose objects have woken in this process, which has but one isolate: nobody else can have a stream here. Far more than one process carries. */
const MOST_WOKEN = 100_000
const woken = new BoundedMap<string, true>(MOST_WOKEN)

export function noteWoken(sub: string): void {
  woken.set(sub, true)
}

export async function operate(request: Request, env: Env): Promise<Response> {
  const asked = `${request.method} ${new URL(request.url).pathname}`
  if (asked === 'GET /settings') return await refusals({ ...env })
  return asked === 'POST /drain' ? await drain(env) : new Response(null, { status: 404 })
}

async function drain(env: Env): Promise<Response> {
  const { session } = await services(env)
  const subs = [...woken.keys()]
  for (let at = 0; at < subs.length; at += AT_ONCE) {
    await Promise.all(subs.slice(at, at + AT_ONCE).map((sub) => session(sub).shutDown().catch(failed)))
  }
  log('info', 'drain.told', { people: subs.length })
  return Response.json({ people: subs.length })
}

async function refusals(vars: Readonly<Record<string, unknown>>): Promise<Response> {
  const problems = await settingsMistakes(vars)
  const lines = problems.map(({ variable, problem, cure }) =>
    JSON.stringify({ level: 'error', event: 'settings.refused', variable, problem, cure }),
  )
  return new Response(lines.map((line) => `${line}\n`).join(''), { status: problems.length > 0 ? 422 : 200 })
}

/** Self-hosted, more is a mistake: there is no address to assume, and the demo's keys are known to everybody. */
export async function settingsMistakes(vars: Readonly<Record<string, unknown>>): Promise<readonly SettingsProblem[]> {
  const { BASE_URL: url, DEMO: demo } = vars
  const own: SettingsProblem[] = []
  if (typeof url !== 'string' || url.trim() === '') {
    const cure = 'set it to the public origin of this broker, https://mcp.example.com'
    own.push({ variable: 'BASE_URL', problem: 'not configured', cure })
  }
  if (demo === '1') own.push({ variable: 'DEMO', problem: 'is for npm start alone', cure: 'remove it' })
  try {
    await foundation(vars)
    return own
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return [...own, ...error.problems]
  }
}

/** The others are told all the same; this stream ends with the process. */
function failed(error: unknown): void {
  log('warn', 'drain.failed', { reason: describeError(error) })
}
