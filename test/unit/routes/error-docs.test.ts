// A refusal leads to the explanation of its code, where the operator has said where the documents are; nowhere else.
import { describe, expect, test } from 'vitest'
import { app } from '../../../src/app.ts'
import { BASE_URL, exampleDeployment } from './example-deployment.ts'

const ORIGIN = 'https://evil.example'

async function floor(more: Readonly<Record<string, string>> = {}) {
  const built = app(await exampleDeployment({ OAUTH_AUTHORIZE_URL: 'http://127.0.0.1:9', ...more }))
  return async (path: string, init?: RequestInit) => await built.request(BASE_URL + path, init)
}

const MCP: RequestInit = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
const FORM: RequestInit = { method: 'POST', body: new URLSearchParams({ grant_type: 'password' }) }

describe('with DOCS_URL', () => {
  test.for<[string, string, RequestInit, string]>([
    ['a guard', '/mcp', MCP, 'unauthorized'],
    ['the guard of origins', '/mcp', { ...MCP, headers: { origin: ORIGIN } }, 'forbidden_origin'],
    ['the token endpoint', '/token', FORM, 'invalid_client'],
    ['the admin API', '/admin/api/people', {}, 'unauthorized'],
  ])('a refusal of %s says where its code is explained', async ([, path, init, code]) => {
    const ask = await floor({ DOCS_URL: 'https://docs.example.com/broker/' })
    expect(await (await ask(path, init)).json()).toMatchObject({
      error: code,
      error_uri: `https://docs.example.com/broker/reference/errors#${code}`,
    })
  })

  test('a page links there', async () => {
    const ask = await floor({ DOCS_URL: 'https://docs.example.com' })
    expect(await (await ask('/callback?state=x&code=y')).text()).toContain(
      '<a href="https://docs.example.com/reference/errors#invalid_request">What it means</a>',
    )
  })
})

test('without it no refusal has a link', async () => {
  const ask = await floor()
  expect(await (await ask('/token', FORM)).json()).not.toHaveProperty('error_uri')
  expect(await (await ask('/callback?state=x&code=y')).text()).not.toContain('What it means')
})
