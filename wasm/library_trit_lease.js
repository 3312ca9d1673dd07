// Locks where navigator.locks is missing, in pages without https: a value of the store that says who holds the
// lock and until when, taken, renewed and given back in one transaction each. Whoever ends without giving it back
// is forgotten soon after its last heartbeat.
//
// A page that is stopped for longer than that and then goes on may write beside the next holder. Both write the
// same bytes under the same names; and what a deletion takes away from a page that believes to hold the lock is
// missing at the next load, which asks for it.
addToLibrary({
    $tritLease: (body) => {
        const HEARTBEAT_MS = 5_000;
        const EXPIRY_MS = 15_000;
        const POLL_MS = 500;
        const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs https
        const engine = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
        let last = 0;

        /** The record without this holder and without those that have ended; as `change` leaves it. */
        const update = (name, own, change) =>
            body.update(`lock/${name}`, (record) => {
                const left = (holder) => holder.expires - Date.now();
                // a time too far away is one of a clock that has been set back since
                const others = (Array.isArray(record) ? record : []).filter(
                    (holder) =>
                        typeof holder?.owner === 'string' &&
                        holder.owner !== own.owner &&
                        left(holder) > 0 &&
                        left(holder) <= EXPIRY_MS,
                );
                return change(others);
            });

        const take = (name, own) =>
            update(name, own, (others) => {
                // of the same engine is only what is just being given back
                const bars = ({ owner, alone }) =>
                    (own.alone || alone) && !owner.startsWith(engine);
                const answer = !others.some(bars);
                const holder = { ...own, expires: Date.now() + EXPIRY_MS };
                return { answer, value: answer ? [...others, holder] : others };
            });

        const leave = (name, own) =>
            update(name, own, (others) => ({ value: others.length > 0 ? others : undefined }));

        return {
            /** As navigator.locks.request. */
            request: async (name, { mode, ifAvailable, signal }, use) => {
                const own = { owner: `${engine} ${++last}`, alone: mode === 'exclusive' };
                while (!(await take(name, own))) {
                    if (ifAvailable) return use(null);
                    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
                    if (signal?.aborted) return undefined;
                }
                const heart = setInterval(() => take(name, own).catch(() => {}), HEARTBEAT_MS);
                try {
                    return await use({});
                } finally {
                    clearInterval(heart);
                    await leave(name, own).catch(() => {}); // then it expires
                }
            },
        };
    },
});
