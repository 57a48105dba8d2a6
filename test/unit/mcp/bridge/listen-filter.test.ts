// What a session listens to, and what comes of that, as clients of the older revisions know it.
import { expect, test } from 'vitest'
import {
  acknowledgedIn,
  allChanged,
  filterOf,
  withoutSubscriptionId,
  offersLogging,
  offersStream,
  offersSubscriptions,
} from '../../../../src/mcp/bridge/listen-filter.ts'

test.for<[string, readonly string[], string | undefined]>([
  [
    '{"tools":{"listChanged":true},"prompts":{},"resources":{"listChanged":true}}',
    [],
    '{"toolsListChanged":true,"resourcesListChanged":true}',
  ],
  ['{"prompts":{"listChanged":true}}', ['a:b'], '{"promptsListChanged":true,"resourceSubscriptions":["a:b"]}'],
  ['{"tools":{"listChanged":"yes"}}', [], undefined],
  ['{"tools":7}', [], undefined],
  ['{}', [], undefined],
])('of %s with %j is listened to %s', ([offers, subscribed, filter]) => {
  expect(filterOf(offers, subscribed)).toBe(filter)
})

test('a stream is offered where anything may come, and subscriptions and logs where they are declared', () => {
  expect([offersStream('{"tools":{}}'), offersStream('{"resources":{"subscribe":true}}')]).toEqual([false, true])
  expect([offersSubscriptions('{"resources":{"subscribe":true}}'), offersSubscriptions('{}')]).toEqual([true, false])
  expect([offersLogging('{"logging":{}}'), offersLogging('{}')]).toEqual([true, false])
})

test('what is acknowledged is read, and said to have changed where something may have been missed', () => {
  const notifications = { toolsListChanged: true, resourceSubscriptions: ['a:b'] }
  const message = { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications } }
  const honoured = acknowledgedIn(JSON.stringify(message))
  expect(honoured).toEqual({ ...notifications, promptsListChanged: false, resourcesListChanged: false })
  expect(acknowledgedIn('{"method":"acknowledged"}')).toBeUndefined()
  expect(honoured && allChanged(honoured)).toEqual([
    '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}',
    '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}',
  ])
})

test('a notification loses the id of the subscription, and nothing else', () => {
  expect(withoutSubscriptionId('{"params":{"n":1e0,"_meta":{"io.modelcontextprotocol/subscriptionId":"x","a":1}}}')).toBe(
    '{"params":{"n":1e0,"_meta":{"a":1}}}',
  )
})
