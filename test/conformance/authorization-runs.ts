// The official authorization server checks for every revision that has them, with a person who signs in when asked to.
import { signInAs } from '../world/browser.ts'
import { freePort } from '../world/listening.ts'
import { runOfficial, type Check } from './official-run.ts'

export type AuthorizationServer = {
  readonly issuer: string
  readonly resource?: string
  /** Makes the redirect URI known; answers the client and, if it has one, its secret. */
  readonly register: (redirectUri: string) => Promise<{ readonly clientId: string; readonly clientSecret?: string | undefined }>
}

export type AuthorizationRun = {
  readonly revision: string
  readonly checks: readonly (Check & { scenario: string })[]
  readonly output: string
}

const REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']

export async function runAuthorization(server: AuthorizationServer): Promise<readonly AuthorizationRun[]> {
  return await Promise.all(REVISIONS.map((revision) => run(server, revision)))
}

async function run({ issuer, resource, register }: AuthorizationServer, revision: string): Promise<AuthorizationRun> {
  const port = await freePort()
  const { clientId, clientSecret } = await register(`http://127.0.0.1:${port}/callback`)
  const optional = [
    ...(clientSecret === undefined ? [] : ['--client-secret', clientSecret]),
    ...(resource === undefined ? [] : ['--resource', resource]),
  ]
  const signIns: Promise<unknown>[] = []
  const { scenarios, output } = await runOfficial({
    args: [
      'authorization',
      '--url',
      issuer,
      '--spec-version',
      revision,
      '--client-id',
      clientId,
      '--port',
      `${port}`,
      ...optional,
    ],
    onLine: (line) => {
      if (/^https?:\S+[?&]response_type=code(&|$)/.test(line)) signIns.push(signInAndComeBack(line))
    },
  })
  await Promise.all(signIns)
  const checks = [...scenarios].flatMap(([scenario, found]) => [...found.values()].map((check) => ({ ...check, scenario })))
  return { revision, checks, output }
}

/** The program waits five minutes for its callback, so a sign-in that gets stuck says so there instead. */
async function signInAndComeBack(authorizeUrl: string): Promise<void> {
  const callback = await signInAs('alice', authorizeUrl).catch((error: unknown) => {
    const stuck = new URL(new URL(authorizeUrl).searchParams.get('redirect_uri') ?? '')
    stuck.searchParams.set('error', 'sign_in_stuck')
    stuck.searchParams.set('error_description', error instanceof Error ? error.message : String(error))
    return stuck
  })
  await fetch(callback.href)
}
