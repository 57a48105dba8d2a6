// Clients that sign (private_key_jwt), through the whole broker: when a signature is asked for, looked at, and taken once.
import { exports } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { eachBeginsAt } from './clock.ts'
import { at, NOW, REDIRECT_URI } from './person.ts'
import {
  ASSERTION_TYPE,
  BROKER,
  codeFor,
  described,
  freshAddress,
  freshUrl,
  post,
  publish,
  redeem,
  refresh,
  signedWith,
  signerFor,
  timesAsked,
  told,
} from './signer.ts'

eachBeginsAt(() => NOW)

describe('a client that signs', () => {
  test('redeems and refreshes with a signature each time, and its keys are asked for once', async () => {
    const { id, sign, keysAt } = await described()
    const tokens = await redeem(await codeFor(id), { client_id: id, ...signedWith(await sign()) })
    expect(tokens).toMatchObject({ status: 200, refresh_token: expect.any(String) })
    const again = await refresh(tokens.refresh_token, signedWith(await sign()))
    expect(again).toMatchObject({ status: 200 })
    expect(await refresh(again.refresh_token, signedWith(await sign({ aud: `${BROKER}/token` })))).toMatchObject({ status: 200 })
    expect([await timesAsked(keysAt), await timesAsked(id)]).toEqual([1, 1])
  })

  test('gets nothing without a signature, and loses nothing by it', async () => {
    const { id, sign } = await described()
    const code = await codeFor(id)
    expect(await redeem(code, { client_id: id })).toMatchObject({ status: 401, error: 'invalid_client' })
    const tokens = await redeem(code, signedWith(await sign()))
    expect(await refresh(tokens.refresh_token, { client_id: id })).toMatchObject({ status: 401, error: 'invalid_client' })
    expect(await refresh(tokens.refresh_token, signedWith(await sign()))).toMatchObject({ status: 200 })
  })

  test('can not use a signature twice', async () => {
    const { id, sign } = await described()
    const assertion = await sign()
    const tokens = await redeem(await codeFor(id), signedWith(assertion))
    expect(await refresh(tokens.refresh_token, signedWith(assertion))).toMatchObject({
      status: 401,
      error: 'invalid_client',
      error_description: expect.stringContaining('used before'),
    })
  })

  test('twenty times at once with one signature: one is taken', async () => {
    const { id, sign } = await described()
    const tokens = await redeem(await codeFor(id), signedWith(await sign()))
    const assertion = await sign()
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(tokens.refresh_token, signedWith(assertion))))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ error }) => error === 'invalid_client')).toHaveLength(19)
  })

  test('may be one that registered, with its keys inside', async () => {
    const signer = await signerFor('to be known')
    const document = { redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'private_key_jwt', jwks: signer.publicKeys }
    const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': freshAddress() }
    const answer = await exports.default.fetch(
      new Request(`${BROKER}/register`, { method: 'POST', headers, body: JSON.stringify(document) }),
    )
    const registered = await answer.json<{ client_id: string }>()
    expect(registered).toMatchObject({ client_id: expect.stringMatching(/^key_/), jwks: signer.publicKeys })
    expect(registered).not.toHaveProperty('client_secret')
    const { client_id } = registered
    const code = await codeFor(client_id, false)
    expect(await redeem(code, { client_id })).toMatchObject({ status: 401, error: 'invalid_client' })
    const named = { iss: client_id, sub: client_id }
    expect(await redeem(code, signedWith(await signer.sign(named)))).toMatchObject({ status: 200 })
  })

  test('has to sign what it revokes and asks about', async () => {
    const { id, sign } = await described()
    const { access_token: token = '' } = await redeem(await codeFor(id), signedWith(await sign()))
    for (const path of ['/revoke', '/introspect'])
      expect(await told(post(path, { client_id: id, token }))).toMatchObject({ status: 401, error: 'invalid_client' })
    expect(await told(post('/introspect', { token, ...signedWith(await sign()) }))).toMatchObject({ active: true, client_id: id })
    expect((await post('/revoke', { token, ...signedWith(await sign()) })).status).toBe(200)
    expect(await told(post('/introspect', { token, ...signedWith(await sign()) }))).toMatchObject({ active: false })
  })
})

describe('a client that can do both, as ChatGPT can', () => {
  const both = { token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] }

  test('may do without', async () => {
    const { id } = await described(both)
    const tokens = await redeem(await codeFor(id, false), { client_id: id })
    expect(await refresh(tokens.refresh_token, { client_id: id })).toMatchObject({ status: 200 })
  })

  test('has to go on signing once it has signed', async () => {
    const { id, sign } = await described(both)
    const tokens = await redeem(await codeFor(id, false), signedWith(await sign()))
    expect(await refresh(tokens.refresh_token, { client_id: id })).toMatchObject({ status: 401, error: 'invalid_client' })
    expect(await refresh(tokens.refresh_token, signedWith(await sign()))).toMatchObject({ status: 200 })
  })
})

describe('keys that change', () => {
  test('are found where they are published, thirty seconds later at the earliest', async () => {
    const { id, sign, keysAt } = await described()
    const tokens = await redeem(await codeFor(id), signedWith(await sign()))
    const next = await signerFor(id, 'k2')
    await publish(keysAt, next.publicKeys)
    const early = await refresh(tokens.refresh_token, signedWith(await next.sign()))
    expect(early).toMatchObject({ status: 401, error_description: expect.stringContaining('none of the keys') })
    at(NOW + 30)
    expect(await refresh(tokens.refresh_token, signedWith(await next.sign()))).toMatchObject({ status: 200 })
    expect(await timesAsked(keysAt)).toBe(2)
  })

  test('are found in the document that holds them', async () => {
    const { id, sign, publicKeys } = await described()
    await publish(id, {
      client_id: id,
      client_name: 'S',
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: publicKeys,
    })
    at(NOW + 3_601)
    const query = new URLSearchParams({ client_id: id, response_type: 'code' })
    await exports.default.fetch(new Request(`${BROKER}/authorize?${query.toString()}`))
    const tokens = await redeem(await codeFor(id), signedWith(await sign()))
    const next = await signerFor(id, 'k2')
    await publish(id, {}, 503)
    const down = await refresh(tokens.refresh_token, signedWith(await next.sign()))
    expect(down).toMatchObject({ status: 503, error: 'temporarily_unavailable' })
    at(NOW + 3_661)
    await publish(id, {
      client_id: id,
      client_name: 'S',
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: next.publicKeys,
    })
    expect(await refresh(tokens.refresh_token, signedWith(await next.sign()))).toMatchObject({ status: 200 })
  })

  test('that cannot be had are nobody’s fault: the client keeps what it has', async () => {
    const { id, sign, keysAt, publicKeys } = await described()
    await publish(keysAt, {}, 503)
    const code = await codeFor(id)
    expect(await redeem(code, signedWith(await sign()))).toMatchObject({ status: 503, error: 'temporarily_unavailable' })
    await publish(keysAt, publicKeys)
    at(NOW + 1)
    expect(await redeem(code, signedWith(await sign()))).toMatchObject({ status: 200 })
  })

  test('that are private are refused', async () => {
    const { id, sign, keysAt } = await described()
    await publish(keysAt, { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] })
    expect(await redeem(await codeFor(id), signedWith(await sign()))).toMatchObject({ status: 401, error: 'invalid_client' })
  })
})

describe('attack 19: a signature makes the broker ask nobody', () => {
  test('before the token that came with it has proved to be ours and the client’s', async () => {
    const signer = await signerFor(freshUrl('client'))
    const keysAt = freshUrl('keys')
    const { id: other } = await described()
    const theirs = await codeFor(other)
    for (const code of ['', 'x', theirs]) {
      expect(await redeem(code, signedWith(await signer.sign()))).toMatchObject({ status: 400, error: 'invalid_grant' })
      expect(await refresh(code, signedWith(await signer.sign()))).toMatchObject({ status: 400, error: 'invalid_grant' })
    }
    expect([await timesAsked(signer.id), await timesAsked(keysAt)]).toEqual([0, 0])
  })

  test.for([
    'http://169.254.169.254/latest',
    'https://127.0.0.1/client.json',
    'http://localhost:8788/client.json',
    'https://documents.dev:8443/client.json',
  ])('whose id is %s', async (id) => {
    const { sign } = await signerFor(id)
    expect(await redeem(await codeFor(id), signedWith(await sign()))).toMatchObject({ status: 401, error: 'invalid_client' })
    expect(await redeem('x', { client_id: id })).toMatchObject({ status: 401, error: 'invalid_client' })
  })
})

describe('a request is refused that', () => {
  test('authenticates in two ways at once', async () => {
    const { id, sign } = await described()
    const signature = signedWith(await sign())
    expect(await redeem('x', { ...signature, client_secret: 'x' })).toMatchObject({ status: 400, error: 'invalid_request' })
    const basic = { Authorization: `Basic ${btoa(`${encodeURIComponent(id)}:x`)}` }
    expect(await told(post('/token', { grant_type: 'refresh_token', ...signature }, basic))).toMatchObject({
      error: 'invalid_request',
    })
  })

  test.for<[string, (id: string, assertion: string) => Record<string, string>, string]>([
    [
      'names another client than its signature',
      (_, assertion) => ({ client_id: 'x', ...signedWith(assertion) }),
      'invalid_request',
    ],
    ['says nothing about its signature', (_, client_assertion) => ({ client_assertion }), 'invalid_client'],
    [
      'has a signature of another kind',
      (_, client_assertion) => ({ client_assertion, client_assertion_type: 'urn:x' }),
      'invalid_client',
    ],
    [
      'announces a signature that is not there',
      (id) => ({ client_id: id, client_assertion_type: ASSERTION_TYPE }),
      'invalid_client',
    ],
    ['has a signature that is no token', (id) => ({ client_id: id, ...signedWith('x') }), 'invalid_client'],
    ['has an endless signature', (id) => ({ client_id: id, ...signedWith('x'.repeat(9_000)) }), 'invalid_client'],
    ['brings a secret where there is none', (id) => ({ client_id: id, client_secret: 'x' }), 'invalid_client'],
  ])('%s', async ([, form, error]) => {
    const { id, sign } = await signerFor('https://documents.dev/nobody.json')
    expect(await redeem('x', form(id, await sign()))).toMatchObject({ error })
  })
})
