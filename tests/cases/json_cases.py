"""JSON deliveries that went wrong once, and their kin."""

from tests.cases.case import Case

NOT_AN_OBJECT, NOT_UTF_8 = "not a JSON object", "not UTF-8"
ONE = b'{"a":"1","b":"x"}'
DEEP = b"[" * 5000 + b"]" * 5000
DIGITS = "9" * 1000

CASES = {
    # What stands behind a value
    "array_then_lines": Case(b'[%b]\n{"a":"2","b":"y"}\n{"a":"3","b":"z"}\n' % ONE, refused="behind the array"),
    "one_bracket_too_many": Case(b"[%b]]" % ONE, refused="behind the array"),
    "two_objects_on_a_line": Case(
        ONE + b'\n{"a":"2","b":"y"}{"a":"3","b":"z"}{"a":"4","b":"w"}\n{"a":"5","b":"v"}\n',
        [("1", "x"), ("5", "v")],
        [(2, NOT_AN_OBJECT, '{"a":"2","b":"y"}{"a":"3","b":"z"}{"a":"4","b":"w"}')],
    ),
    "two_objects_on_a_line_beside_a_bad_one": Case(
        ONE + b"\n%b%b\n{\n" % (ONE, ONE),
        [("1", "x")],
        [(2, NOT_AN_OBJECT, (ONE + ONE).decode()), (3, NOT_AN_OBJECT, "{")],
    ),
    "text_behind_an_object": Case(
        ONE + b'\n{"a":"2","b":"y"} oops\n', [("1", "x")], [(2, NOT_AN_OBJECT, '{"a":"2","b":"y"} oops')]
    ),
    "balance_cancels": Case(
        ONE + b'\n[{"a":"2","b":"y"},{"a":"3","b":"z"}]\n{"a":"4","b":\n',
        [("1", "x")],
        [(2, NOT_AN_OBJECT, '[{"a":"2","b":"y"},{"a":"3","b":"z"}]'), (3, NOT_AN_OBJECT, '{"a":"4","b":')],
    ),
    # Lines that are no objects
    "first_line_broken": Case(
        b'{"a":"1","b":\n{"a":"2","b":"y"}\n{"a":"3","b":"z"}\n',
        [("2", "y"), ("3", "z")],
        [(1, NOT_AN_OBJECT, '{"a":"1","b":')],
    ),
    "first_line_is_text": Case(
        b"# a comment\n%b\n%b" % (ONE, ONE), [("1", "x")] * 2, [(1, NOT_AN_OBJECT, "# a comment")]
    ),
    "last_line_cut_off": Case(b'%b\n{"a":"2"' % ONE, [("1", "x")], [(2, NOT_AN_OBJECT, '{"a":"2"')]),
    "lines_of_other_values": Case(
        ONE + b'\n1\n"x"\nnull\n[]\n' + ONE,
        [("1", "x")] * 2,
        [(2, NOT_AN_OBJECT, "1"), (3, NOT_AN_OBJECT, '"x"'), (4, NOT_AN_OBJECT, "null"), (5, NOT_AN_OBJECT, "[]")],
    ),
    "single_quotes": Case(ONE + b"\n{'a':'2','b':'y'}\n", [("1", "x")], [(2, NOT_AN_OBJECT, "{'a':'2','b':'y'}")]),
    "single_quotes_beside_a_bad_line": Case(
        ONE + b"\n{'a':'2','b':'y'}\n{\n",
        [("1", "x")],
        [(2, NOT_AN_OBJECT, "{'a':'2','b':'y'}"), (3, NOT_AN_OBJECT, "{")],
    ),
    "no_numbers": Case(
        ONE
        + b"".join(b'\n{"a":%b,"b":"x"}' % one for one in (b"NaN", b"-Infinity", b"01", b"+1", b".5", b"1.", b"0x1")),
        [("1", "x")],
        [
            (number, NOT_AN_OBJECT, f'{{"a":{one},"b":"x"}}')
            for number, one in enumerate(("NaN", "-Infinity", "01", "+1", ".5", "1.", "0x1"), start=2)
        ],
    ),
    "control_character_in_a_text": Case(
        ONE + b'\n{"a":"1\t","b":"x"}', [("1", "x")], [(2, NOT_AN_OBJECT, '{"a":"1\t","b":"x"}')]
    ),
    "pretty_printed": Case(b'{\n  "a": "1",\n  "b": "x"\n}\n', [("1", "x")]),
    "two_pretty_printed": Case(b'{\n "a": "1",\n "b": "x"\n}\n' * 2, refused="behind the object"),
    "blank_lines": Case(b"\r\n%b\r\n \t\r\n\n%b" % (ONE, ONE), [("1", "x")] * 2),
    "byte_order_mark": Case(b"\xef\xbb\xbf%b\n%b\n" % (ONE, ONE), [("1", "x")] * 2),
    "html": Case(b"<html>\n<p>{}</p>\n</html>", refused="not JSON"),
    "array_cut_off": Case(b'[{"a":"1","b":"x"},{"a":"2"', refused="cut off"),
    "deep_line": Case(
        ONE + b'\n{"a":%b,"b":"y"}\n{"a":"3","b":"z"}\n' % DEEP,
        [("1", "x"), ("3", "z")],
        [(2, "nested too deeply", '{"a":' + "[" * 1000)],
    ),
    # Bytes that are no text
    "nested_beside_a_bad_byte": Case(
        b'{"a":{"n":1,"t":true},"b":[1,"s"]}\n{"a":"caf\xe9","b":"x"}\n',
        [('{"n":1,"t":true}', '[1,"s"]')],
        [(2, NOT_UTF_8, '{"a":"caf\\xe9","b":"x"}')],
    ),
    "bad_byte_in_a_nested_value": Case(
        ONE + b'\n{"a":["\xe9"],"b":"x"}', [("1", "x")], [(2, NOT_UTF_8, '{"a":["\\xe9"],"b":"x"}')]
    ),
    "half_a_surrogate_pair": Case(
        ONE + b'\n{"a":"\\ud800","b":"x"}\n{"a":["\\udc00"],"b":"x"}\n{"a":"\\ud83d\\ude00","b":"x"}',
        [("1", "x"), ("\U0001f600", "x")],
        [(2, NOT_UTF_8, '{"a":"\\ud800","b":"x"}'), (3, NOT_UTF_8, '{"a":["\\udc00"],"b":"x"}')],
    ),
    "bad_byte_in_an_array": Case(
        b'[{"a":"\xe9","b":"x"},\n%b]' % ONE, [("1", "x")], [(0, NOT_UTF_8, '{"a":"\\xe9","b":"x"}')]
    ),
    "bad_byte_in_columns": Case(
        b'{"a":{"0":"\xe9","1":"1"},"b":{"0":"y","1":"x"}}', [("1", "x")], [(0, NOT_UTF_8, '{"a":"\\xe9","b":"y"}')]
    ),
    # Shapes
    "columns_nested_first": Case(b'{"a":{"0":{"n":1},"1":"p"},"b":{"0":"x","1":"y"}}', [('{"n":1}', "x"), ("p", "y")]),
    "one_record_nested_first": Case(b'{"a":{"k":"1"},"b":"x"}\n', [('{"k":"1"}', "x")]),
    "two_lines_nested_first": Case(b'{"a":{"k":"1"},"b":"x"}\n' * 2, [('{"k":"1"}', "x")] * 2),
    "one_record_nested_first_and_wide": Case(
        b'{"a":{"k":"1"},"b":"x"%b}' % b"".join(b',"k%d":"1"' % number for number in range(70)),
        [('{"k":"1"}', "x")],
        rescued={0: {f"k{number}": "1" for number in range(70)}},
    ),
    "one_record_all_nested": Case(b'{"a":{"e":"q"},"b":{"f":["d"]}}\n', [('{"e":"q"}', '{"f":["d"]}')]),
    "columns_of_another_length": Case(
        b'{"a":{"0":"1","1":"2"},"b":{"0":"x"}}', [("1", "x")], [(1, "no value for ['b']", '{"a":"2"}')]
    ),
    "columns_with_an_index_twice": Case(
        b'{"a":{"0":"1","0":"2","1":"3"},"b":{"0":"x","1":"y"}}', [("2", "x"), ("3", "y")], rescued={0: {"a": "1"}}
    ),
    "column_twice": Case(b'{"a":{"0":"1"},"a":{"0":"2"},"b":{"0":"x"}}', [("2", "x")], rescued={0: {"a": "1"}}),
    "column_of_a_name_that_is_no_text": Case(
        b'{"\xe9":{"0":"q"},"a":{"0":"1","1":"2"},"b":{"0":"x","1":"y"}}',
        [],
        [(0, NOT_UTF_8, '{"\\xe9":"q","a":"1","b":"x"}'), (1, "no value for other columns: 1", '{"a":"2","b":"y"}')],
    ),
    "columns_over_two_lines_with_a_bad_byte": Case(
        b'{"a":{"0":"\xe9","1":"1"},\n"b":{"0":"y","1":"x"}}', [("1", "x")], [(0, NOT_UTF_8, '{"a":"\\xe9","b":"y"}')]
    ),
    "columns_over_two_lines_with_a_deep_value": Case(
        b'{"a":{"0":%b,"1":"1"},\n"b":{"0":"y","1":"x"}}' % DEEP,
        [("1", "x")],
        [(0, "nested too deeply", '{"a":' + "[" * 1000)],
    ),
    "array_of_other_values": Case(
        b'[%b, 1, [{"a":"2"}], null]' % ONE,
        [("1", "x")],
        [(1, NOT_AN_OBJECT, "1"), (2, NOT_AN_OBJECT, '[{"a":"2"}]'), (3, NOT_AN_OBJECT, "null")],
    ),
    # Keys
    "key_first_on_a_broken_line": Case(
        b'{"a":"1"}\n{"a":"2","c":"lost"\n{"a":"3","c":"keep"}\n',
        [("1", None), ("3", "keep")],
        [(2, NOT_AN_OBJECT, '{"a":"2","c":"lost"')],
        columns={"a": "a", "c": "c"},
        optional=["c"],
        drift={},
    ),
    "key_first_on_a_broken_line_required": Case(
        b'{"a":"1"}\n{"a":"2","c":"lost"\n{"a":"3","c":"keep"}\n',
        [("1", None), ("3", "keep")],
        [(2, NOT_AN_OBJECT, '{"a":"2","c":"lost"')],
        columns={"a": "a", "c": "c"},
    ),
    "key_first_on_a_broken_line_unknown": Case(
        b'{"a":"1"}\n{"a":"2","c":"lost"\n{"a":"3","c":"keep"}\n',
        [("1",), ("3",)],
        [(2, NOT_AN_OBJECT, '{"a":"2","c":"lost"')],
        columns={"a": "a"},
        rescued={1: {"c": "keep"}},
        drift={"unknown_columns": ["c"]},
    ),
    "key_corrupt_record": Case(
        b'{"a":"1","b":"x","_corrupt_record":"y"}\n', [("1", "x")], rescued={0: {"_corrupt_record": "y"}}
    ),
    "non_latin_keys": Case(
        '{"a":"1","b":"x","名前":"q","都市":"w"}\n'.encode(),
        [("1", "x")],
        rescued={0: {"名前": "q", "都市": "w"}},
        drift={"unknown_columns": ["名前", "都市"]},
    ),
    "key_twice": Case(b'{"a":"1","b":"x","a":"2"}\n' + ONE, [("2", "x"), ("1", "x")], rescued={0: {"a": "1"}}),
    "key_twice_once_escaped": Case(b'{"a":"1","b":"x","\\u0061":"2"}', [("2", "x")], rescued={0: {"a": "1"}}),
    "key_twice_with_a_blank_before_its_colon": Case(
        b'{"a" :"1","b":"\\":","a":["2"]}', [('["2"]', '":')], rescued={0: {"a": "1"}}
    ),
    "two_keys_of_one_column": Case(b'{"a":"1","b":"x"}\n{"A":"2","b":"x"}', refused="all fall on column 'a'"),
    # Values
    "values_as_written": Case(
        b'{"a":19.90,"b":1e400}\n{"a":-0,"b":%b}\n{"a":1E+2,"b":0.10}\n{"a":true,"b":null}\n' % DIGITS.encode(),
        [("19.90", "1e400"), ("-0", DIGITS), ("1E+2", "0.10"), ("true", None)],
    ),
    "values_as_written_in_columns": Case(
        b'{"a":{"0":19.90,"1":%b},"b":{"0":null,"1":false}}' % DIGITS.encode(), [("19.90", None), (DIGITS, "false")]
    ),
    "nested_values_without_blanks": Case(
        b'{"a": { "k" : [ 1.50 , "a b" ] } , "b": [ ]}', [('{"k":[1.50,"a b"]}', "[]")]
    ),
    "escapes": Case(
        b'{"a":"\\u00e9\\/\\"\\\\\\n","b":"\\u0000"}\n{"a":["\\u00e9"],"b":""}',
        [('é/"\\\n', "\0"), ('["\\u00e9"]', "")],
    ),
    "separators_of_lines_in_a_text": Case(
        '{"a":"\u2028\u2029\x85","b":"x"}\n'.encode() * 2, [("\u2028\u2029\x85", "x")] * 2
    ),
    # Too long
    "very_long_line": Case(
        ONE + b'\n{"a":"' + b"x" * (25 * 2**20) + b'","b":"y"}\n',
        [("1", "x")],
        [(2, "longer than 16777216 bytes", '{"a":"' + "x" * 1000)],
    ),
}
