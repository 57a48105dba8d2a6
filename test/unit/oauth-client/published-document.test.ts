import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { firstPublished } from '../../../src/oauth-client/published-document.ts'
import { readTokenResponse } from '../../../src/oauth-client/token-response.ts'

const schema = z.object({ issuer: z.string() })
const addresses = ['https://a.example/1', 'https://a.example/2', 'https://a.example/3']

async function searched(answers: readonly (() => Response)[], faultOf?: (found: { issuer: string }) => string | undefined) {
  const asked: string[] = []
  const ask = async (url: string): Promise<Response> => {
    asked.push(url)
    return answers[asked.length - 1]?.() ?? new Response(null, { status: 500 })
  }
  const published = await firstPublished({ addresses, schema, ask, ...(faultOf && { faultOf }) })
  return { ...published, asked: asked.length }
}

const page = () => new Response('<h1>hello</h1>')
const missing = () => new Response('no', { status: 404 })
const good = () => Response.json({ issuer: 'https://a.example' })
const refused = (reason: string, detail: string, code?: string): Error => new Error([reason, code, detail].join(' | '))

describe('of several well-known addresses', () => {
  test('the first that has a document says it, and none behind it is asked', async () => {
    expect(await searched([missing, good, missing])).toMatchObject({ found: { issuer: 'https://a.example' }, asked: 2 })
  })

  test('all that have nothing are told apart from those that have something else', async () => {
    expect(await searched([missing, missing, missing])).toMatchObject({ found: undefined, isNothingThere: true, asked: 3 })
    const { found, isNothingThere, failures } = await searched([page, good, missing], () => 'names another issuer')
    expect([found, isNothingThere]).toEqual([undefined, false])
    expect(failures).toEqual([
      'https://a.example/1 answered 200 without metadata',
      'https://a.example/2 names another issuer',
      'https://a.example/3 answered 404 without metadata',
    ])
  })
})

describe('an answer of a token endpoint', () => {
  test('that is an error is one, whatever its status', async () => {
    const answer = Response.json({ error: 'invalid_grant', access_token: 'a' })
    await expect(readTokenResponse(answer, refused)).rejects.toThrow(
      'refused | invalid_grant | the token endpoint answered 200 invalid_grant: no description',
    )
  })

  test.for<[string, Response, string]>([
    ['a page', page(), 'unreachable |  | the token endpoint answered 200 without readable JSON'],
    ['JSON without a token', Response.json({}), 'unreachable |  | the token endpoint answered 200 without tokens'],
    ['a token behind an error', Response.json({ access_token: 'a' }, { status: 403 }), 'answered 403 without tokens'],
  ])('that is %s says nothing', async ([, answer, message]) => {
    await expect(readTokenResponse(answer, refused)).rejects.toThrow(message)
  })

  test('keeps its tokens when something beside them is strange', async () => {
    const answer = Response.json({ access_token: 'a', refresh_token: 'r', expires_in: 'soon', scope: 7, token_type: null })
    expect(await readTokenResponse(answer, refused)).toEqual({ access_token: 'a', refresh_token: 'r', token_type: 'bearer' })
  })
})
