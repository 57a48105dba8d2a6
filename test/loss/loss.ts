// npm run loss -- --kills 50 --nodes 3 [--fault kill|freeze|cut|silent|drain] [--seed 7]: does a cluster forget what it has acknowledged?
//
// With `--store http://127.0.0.1:7480` the bucket named `bucket` of a real S3 server, with the key of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
// People sign in, refresh and revoke while the node that owns one of their objects is killed. Then every node is asked about every
// grant: what was given and not taken back has to be alive, what was taken back has to be dead. What was not acknowledged may be either.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Chance } from '../crash/chance.ts'
import { FAULTS, isFault, lose, type LossRound } from './rounds.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    nodes: { type: 'string', default: '3' },
    fault: { type: 'string', default: 'kill' },
    seed: { type: 'string' },
    store: { type: 'string' },
    'bare-etags': { type: 'boolean', default: false },
  },
})
const { fault } = values
if (!isFault(fault)) throw new Error(`--fault is one of ${FAULTS.join(', ')}`)
const seed = Number(values.seed ?? randomInt(2 ** 31))
console.log(`seed ${seed}`)

const rounds: LossRound[] = []
const onRound = (round: LossRound): void => {
  rounds.push(round)
  console.log(
    `${String(rounds.length).padStart(4)} ${fault}: ${round.acknowledged} writes acknowledged, ${round.unanswered} not, ` +
      `${round.isComplete ? 'all nodes agree' : 'GIVEN UP'} after ${(round.agreedAfterMs / 1000).toFixed(1)} s, ${round.left} nodes left by themselves, lost ${round.lost.length}`,
  )
  for (const sentence of [...round.lost, ...round.silent]) console.log(`     ${sentence}`)
}
const { AWS_ACCESS_KEY_ID: accessKey = '', AWS_SECRET_ACCESS_KEY: secret = '' } = process.env
const store = values.store === undefined ? undefined : { url: values.store, accessKey, secret, bareETags: values['bare-etags'] }
const last = await lose({
  rounds: Number(values.kills),
  nodes: Number(values.nodes),
  fault,
  chance: new Chance(seed),
  onRound,
  store,
})

const sum = (of: (round: LossRound) => number): number => rounds.reduce((all, round) => all + of(round), 0)
const agreed = rounds.map(({ agreedAfterMs }) => agreedAfterMs).toSorted((a, b) => a - b)
const at = (part: number): string =>
  ((agreed[Math.min(agreed.length - 1, Math.floor(agreed.length * part))] ?? 0) / 1000).toFixed(1)
const lost = sum((round) => round.lost.length) + last.length
for (const sentence of last) console.log(`at the end: ${sentence}`)
console.log(`
${rounds.length} × ${fault}, ${values.nodes} nodes: ${sum((round) => round.acknowledged)} writes acknowledged, ${sum((round) => round.unanswered)} not answered, lost ${lost}
until every node answers for everybody again: median ${at(0.5)} s, longest ${at(1)} s`)
if (lost > 0)
  console.log(`To run it again: npm run loss -- --kills ${values.kills} --nodes ${values.nodes} --fault ${fault} --seed ${seed}`)
process.exit(lost > 0 ? 1 : 0)
