// Characters that show nothing, and those that break lines or reorder text on the screen: with them a name looks like another one. Controls, the
// soft hyphen, joiners of graphemes and words, fillers of Hangul and Khmer, zero-width space, marks of direction, annotations.
const never =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}\u{e0001}]|\u034f/u;

// Characters that show nothing by themselves and change the one before them, where names really have them; anywhere else they are refused too.
const onlyAfter: readonly RegExp[] = [
  // Zero-width (non-)joiner: words of scripts whose letters join (Persian, the scripts of India), and emoji of several parts. Between letters
  // that do not join in such a script two names may still look alike; nobody could write these languages otherwise.
  /(?<!\ufe0f|[\p{scx=Arab}\p{scx=Syrc}\p{scx=Mong}\p{scx=Nkoo}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}\p{Extended_Pictographic}\p{Emoji_Modifier}])[\u200c\u200d]/u,
  // Variants of emoji (keycaps have a sign after theirs), of Chinese characters and of Mongolian letters.
  /(?<!\p{Extended_Pictographic})[\ufe0e\ufe0f](?!\u20e3)/u,
  /(?<!\p{scx=Han})[\ufe00-\ufe0d\u{e0100}-\u{e01ef}]/u,
  /(?<!\p{scx=Mong})[\u180b-\u180d\u180f]/u,
  // The letters that make a flag of a black one.
  /(?<![\u{1f3f4}\u{e0020}-\u{e007e}])[\u{e0020}-\u{e007f}]/u,
];

/** Whether a name has a character that cannot be seen, and is no part of how its language or its emoji are written. */
export function hasInvisible(name: string): boolean {
  return never.test(name) || onlyAfter.some((misplaced) => misplaced.test(name));
}
