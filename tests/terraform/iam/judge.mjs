// Policies and requests as JSON on standard input; a verdict for each on standard output (tests/terraform/judge.py).
import { runSimulation } from '@cloud-copilot/iam-simulate'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const { account, principal, identity, resource, requests } = JSON.parse(Buffer.concat(chunks).toString())
const verdicts = []
for (const { action, arn, facts } of requests) {
  const answer = await runSimulation(
    {
      request: { principal, action, resource: { resource: arn, accountId: account }, contextVariables: facts },
      identityPolicies: [{ name: 'role', policy: identity }],
      resourcePolicy: arn.startsWith('arn:aws:s3:::') ? resource : undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: []
    },
    {}
  )
  const denied = answer.result?.analysis.resourceAnalysis?.denyStatements ?? []
  verdicts.push({
    said: answer.overallResult ?? JSON.stringify(answer.errors),
    by: denied.map(({ explain }) => explain.identifier),
    unknown: answer.result?.ignoredContextKeys ?? []
  })
}
process.stdout.write(JSON.stringify(verdicts))
