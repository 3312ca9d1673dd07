// Keys as a person names them: 'a', 'Enter', 'Shift+Tab', 'Control+k'. The names are those of KeyboardEvent.key.

/** What WebDriver calls those that are no character. */
export const CODES = {
    ...{ Backspace: '\uE003', Tab: '\uE004', Enter: '\uE007', Shift: '\uE008', Control: '\uE009' },
    ...{ Alt: '\uE00A', Escape: '\uE00C', PageUp: '\uE00E', PageDown: '\uE00F', End: '\uE010' },
    ...{ Home: '\uE011', ArrowLeft: '\uE012', ArrowUp: '\uE013', ArrowRight: '\uE014' },
    ...{ ArrowDown: '\uE015', Delete: '\uE017', Meta: '\uE03D', Space: ' ' },
};

/**
 * The keys that are held down, and at last the one that is pressed.
 * @param {string} text
 */
export const keysOf = (text) => text.split(/\+(?=.)/);

/**
 * The same for WebDriver's PerformActions.
 * @param {string} text
 */
export function keyActions(text) {
    const codes = keysOf(text).map((key) => {
        const code = CODES[key] ?? key;
        if ([...code].length !== 1) throw new Error(`no key is known as ${key}`);
        return code;
    });
    const down = codes.map((value) => ({ type: 'keyDown', value }));
    const up = codes.reverse().map((value) => ({ type: 'keyUp', value }));
    return [{ type: 'key', id: 'keyboard', actions: [...down, ...up] }];
}
