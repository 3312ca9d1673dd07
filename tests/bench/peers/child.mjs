// The process of one engine in Node: calls come in by messages, one at a time.
import { call } from './inside.mjs';

process.on('disconnect', () => process.exit());
process.on('message', ({ op, args }) =>
    call(op, args).then(
        (ok) => process.send({ ok }),
        (error) => process.send({ error: String(error?.message ?? error) }),
    ),
);
