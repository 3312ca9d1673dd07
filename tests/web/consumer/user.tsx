// A page of React in TypeScript, with the declaration of README.md: it is compiled, not run.
import { useRef } from 'react';
import type { TritChat } from 'trit/element';
import 'trit/element';

export function Teller() {
    const tag = useRef<TritChat>(null);
    const begin = () => tag.current?.send('Once upon a time').catch(console.error);
    return (
        <>
            <trit-chat ref={tag} src="/model.trit" mode="story" max-tokens="24" autoload />
            <button onClick={begin}>Tell a story</button>
        </>
    );
}

// If nothing were known of the tag, these would be no errors.
// @ts-expect-error
document.querySelector<TritChat>('trit-chat')?.send(7);
// @ts-expect-error
export const wrong = <trit-chat ref={useRef<HTMLInputElement>(null)} />;
