// Attack 54: a broker that was deployed with the secrets of the documentation serves nobody, and says what to do about it.
import { describe, expect, test } from 'vitest'
import { fixture } from '../../world/fixture.ts'
import { startWorld } from '../../world/world.ts'

const world = fixture((closing) => closing(startWorld({ overrides: { DEMO: undefined }, mayBeUnhealthy: true })))

describe('54. weak or default secrets: the example secrets without DEMO', () => {
  test.for(['/', '/authorize', '/callback?state=a&code=b'])('a person at %s sees which variables to set', async (path) => {
    const answer = await fetch(`${world.brokerUrl}${path}`, { redirect: 'manual' })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([503, 'text/html; charset=UTF-8'])
    const page = await answer.text()
    expect(page).toContain('ENCRYPTION_KEY')
    expect(page).toContain('OAUTH_CLIENT_SECRET')
    expect(page).toContain('openssl rand -hex 32')
    const styles = await fetch(new URL(/<link rel="stylesheet" href="([^"]+)"/.exec(page)?.[1] ?? '/none', world.brokerUrl))
    expect(styles.headers.get('content-type')).toContain('text/css')
    expect(page).not.toContain(world.vars['ENCRYPTION_KEY'])
    expect(page).not.toContain(world.vars['OAUTH_CLIENT_SECRET'])
  })

  test.for<[string, string]>([
    ['GET', '/health'],
    ['GET', '/.well-known/oauth-authorization-server'],
    ['GET', '/.well-known/jwks.json'],
    ['POST', '/register'],
    ['POST', '/token'],
    ['POST', '/mcp'],
  ])('%s %s is refused in JSON that names them', async ([method, path]) => {
    const answer = await fetch(`${world.brokerUrl}${path}`, { method })
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      error: 'misconfigured',
      error_description:
        'ENCRYPTION_KEY is the example value from the documentation; OAUTH_CLIENT_SECRET is the example value from the documentation',
    })
  })

  test('and the log names them once for each request, never their values', () => {
    const said = world.logs.map(({ message }) => message).join('\n')
    expect(said).toContain('"variable":"ENCRYPTION_KEY"')
    expect(said).not.toContain(world.vars['ENCRYPTION_KEY'])
    expect(said).not.toContain(world.vars['OAUTH_CLIENT_SECRET'])
  })
})
