"""Texts that break careless software, written with escapes so that this file stays readable."""

from collections.abc import Iterator

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
RAINBOW_FLAG = "\U0001f3f3\ufe0f\u200d\U0001f308"
ASTRONAUT = "\U0001f469\U0001f3fd\u200d\U0001f680"
FLAG_OF_WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"

# Every control character but NUL, which PostgreSQL does not store, with the C1 set and the
# separators that JavaScript once took for line ends.
CONTROLS = "".join(map(chr, [*range(1, 32), *range(127, 160), 0x2028, 0x2029, 0xFEFF]))

ARABIC = (
    "\u0628\u0633\u064a\u0637 \u0647\u0648 \u0627\u0644\u062c\u0645\u064a\u0644. "
    "undercroft 0.1 \u064a\u0639\u0645\u0644 \u0641\u064a \u0627\u0644\u0627\u062a\u062c\u0627"
    "\u0647\u064a\u0646."
)
HEBREW = "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd, 3.14 (\u05e1\u05d5\u05d2\u05e8)!"

SCRIPT = """<script>alert("a post is text, not a program")</script>
<img src=x onerror="alert(1)"> <a href="javascript:alert(1)">a link</a> <!-- a comment -->
</p></article></body></html> &lt;already escaped&gt; &amp;amp; "quotes" 'apostrophes' `ticks`

{{ 7 * 7 }} {% raw %} {# no comment #} ${7*7} <%= 7 * 7 %> %s %(name)s {0} {name}
"""

INJECTION = "Robert'); DROP TABLE blog_post;-- \" OR 1=1 /* */ \\ \\' :name ? $1 %% _"


def build_oddities() -> Iterator[tuple[str, str]]:
    """Give title and content of every odd post."""
    yield "\u0645\u0631\u062d\u0628\u0627 (right to left)", f"{ARABIC}\n\n{HEBREW}\n\n{ARABIC}"
    yield (
        "Direction overrides \u202egnirts desrever\u202c",
        "An override that is never closed: \u202eabc\n\nThe next paragraph reads normally.\u2066",
    )
    yield (
        f"Joined emoji {FAMILY}",
        f"{FAMILY} {RAINBOW_FLAG} {ASTRONAUT} {FLAG_OF_WALES} 1\ufe0f\u20e3 \U0001f1e8\U0001f1ed",
    )
    yield "Combining marks Z\u0351\u034ca\u0335l\u0338g\u0321o\u0348", "o" + "\u0301" * 200 + " end"
    yield "Caf\u00e9, composed", "One code point for the last letter."
    yield "Cafe\u0301, decomposed", "Two code points for the last letter; the titles look alike."
    yield (
        "\u65e5\u672c\u8a9e\u3068\u0e44\u0e17\u0e22 without spaces",
        "\u543e\u8f29\u306f\u732b\u3067\u3042\u308b\u3002" * 60
        + "\n\n"
        + "\u0e20\u0e32\u0e29\u0e32" * 80,
    )
    yield "Control characters \x07\x1b[31m", f"Between the bars: |{CONTROLS}| and on."
    yield "Outside the basic plane \U0001d518\U0002070e\U0010fffd", "\U0001d4e4\U0002a6d6 " * 40
    yield "Noncharacters \ufffe\uffff", "They are valid in UTF-8, and rare: \ufdd0 \U0001ffff."
    yield "<b>Markup</b> & <script>alert(1)</script>", SCRIPT
    yield "O'Brien\"; DROP TABLE blog_post; --", INJECTION
    yield (
        "   spaces around   ",
        "  \t leading blanks\n\n\n\n   and blank lines \n \n\r\n\rmixed ends",
    )
    yield "A very long word", "Donaudampfschifffahrt" * 400
    yield "W" * 200, "The title has all the 200 letters a title may have."
    yield "One megabyte", "All work and no play makes Jack a dull boy.\n" * (1_000_000 // 44)
    yield "null", "None"
    yield "0", "false"
