import { expect, test } from 'vitest'
import { personName, type Caller } from '../../src/caller.ts'
import { headerJson } from '../../src/platform/header-json.ts'
import { ORDER_HEADER, dispatchHeaderIn } from '../../src/mcp/dispatch/dispatch-header.ts'

test('the name of a person’s object is what it always was: all they have is found by it', async () => {
  const person = { issuer: 'https://idp.example', subject: 'person-1001' }
  expect(await personName(person)).toBe('xlapRlfBsbju-g7rcXUHDMIU50t9JbMMLIEOm65UrXo')
})

test('the person’s object is told everything the router knows about the caller', () => {
  const caller: Caller = {
    sub: 'person',
    clientId: 'key_client',
    clientSigns: true,
    grantId: 'grant',
    generation: 3,
    resource: 'https://mcp.example.com/mcp',
    scopes: ['mcp', 'tickets:close'],
    expiresAt: 4_000_000_000,
  }
  const rest = {
    client: 'streamable-http',
    kind: 'request',
    requestIds: ['1'],
    count: 1,
    target: 't',
    requestId: 'r',
    label: 'l',
    headers: {},
  }
  expect(dispatchHeaderIn(new Headers({ [ORDER_HEADER]: headerJson({ ...rest, caller }) }))?.caller).toEqual(caller)
})
