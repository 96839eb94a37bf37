"""CSV deliveries that went wrong once, and their kin."""

from tests.cases.case import UNREADABLE, Case

ABC = {"a": "a", "b": "b", "c": "c"}
SHORT, LONG = "1 fields, the header has 2", "3 fields, the header has 2"
TOO_LONG = "longer than 16777216 bytes"

MANY = {f"c{number}": f"c{number}" for number in range(5_000)}

CASES = {
    # Columns: X16 of the security review
    "as_many_columns_as_can_be": Case(f"{','.join(MANY)}\n{',' * 4_999}\n".encode(), [(None,) * 5_000], columns=MANY),
    "x16_more_columns_than_can_be": Case(f"a,b{',x' * 25_006}\n".encode(), refused="25008 columns, allowed are 5000"),
    # Line ends
    "lf_header_crlf_rows": Case(b'a,b\n1,"x\ny"\r\n2,z\r\n', [("1", "x\ny"), ("2", "z")]),
    "crlf_header_lf_rows": Case(b'a,b\r\n1,"x\r\ny"\n2,z\n', [("1", "x\r\ny"), ("2", "z")]),
    "crlf_within_quotes_stays": Case(b'a,b\r\n"1\r\n\r\n",""\r\n', [("1\r\n\r\n", "")]),
    "cr_within_quotes_stays": Case(b'a,b\n1,"x\ry"\n', [("1", "x\ry")]),
    "cr_only": Case(b"a,b\r1,2\r3,4\r", refused="CR alone"),
    "cr_outside_quotes": Case(b"a,b\n1,x\ry\n2,z\n", [("2", "z")], [(2, UNREADABLE, "1,x\ry")]),
    "two_cr_before_a_line_feed": Case(b'a,b\n1,x\r\r\n2,"y"\r\r\n', [("1", "x"), ("2", "y")]),
    "no_end_at_the_last_line": Case(b'a,b\n1,"x"', [("1", "x")]),
    "cr_at_the_very_end": Case(b"a,b\n1,x\r", [("1", "x")]),
    "header_without_an_end": Case(b"a,b", []),
    "other_separators_of_lines_are_text": Case(
        "a,b\n1\x0b\x0c\x1c\x1d,x\x85\u2028\u2029\n".encode(), [("1\x0b\x0c\x1c\x1d", "x\x85\u2028\u2029")]
    ),
    # Blank lines
    "blank_first_line": Case(b"\na,b\n1,2\n", [("1", "2")]),
    "byte_order_mark_and_blank_line": Case(b'\xef\xbb\xbf\r\n"a",b\r\n1,2\r\n', [("1", "2")]),
    "blank_lines": Case(b"a,b\n\n1,2\r\n\r\n\n3,4\n\n", [("1", "2"), ("3", "4")]),
    "blank_lines_move_positions": Case(b"a,b\n\n\n1\n", [], [(4, SHORT, "1")]),
    "a_line_of_blanks_is_a_record": Case(b"a,b\n  \n1,2\n", [("1", "2")], [(2, SHORT, "  ")]),
    "one_column_blank_line": Case(b'a\n\n""\n1\n', [("",), ("1",)], columns={"a": "a"}),
    # Quotes
    "empty_quotes_then_text": Case(b'a,b\n1,""x\n2,y\n', [("2", "y")], [(2, UNREADABLE, '1,""x')]),
    "empty_quotes_then_text_beside_a_bad_row": Case(
        b'a,b\n1,""x\n2,y\n3\n', [("2", "y")], [(2, UNREADABLE, '1,""x'), (4, SHORT, "3")]
    ),
    "blank_behind_a_quote": Case(b'a,b\n"1" ,2\n3,4\n', [("3", "4")], [(2, UNREADABLE, '"1" ,2')]),
    "blank_before_a_quote_is_text": Case(b'a,b\n "1",2\n', [(' "1"', "2")]),
    "inch_mark": Case(b'a,b\n3" pipe,x\n4",y"\n', [('3" pipe', "x"), ('4"', 'y"')]),
    "inch_mark_and_newline": Case(b'a,b\n3" pipe,"one\ntwo"\n1,2\n', [('3" pipe', "one\ntwo"), ("1", "2")]),
    "newline_and_inch_mark": Case(b'a,b\n1,2\n"one\ntwo",3" pipe\n', [("1", "2"), ("one\ntwo", '3" pipe')]),
    "quotes_and_commas_alike": Case(b'a,b\n3" pipe,",",3" p\n1,2\n', [("1", "2")], [(2, LONG, '3" pipe,",",3" p')]),
    "doubled_quotes": Case(b'a,b\n"say ""hi""",""""\n"""","a""\nb"\n', [('say "hi"', '"'), ('"', 'a"\nb')]),
    "never_closed_at_the_end": Case(b'a,b\n1,2\n3,"x', [("1", "2")], [(3, UNREADABLE, '3,"x')]),
    "never_closed_midway": Case(b'a,b\n1,"x\n2,y\n3,z\n', [("2", "y"), ("3", "z")], [(2, UNREADABLE, '1,"x')]),
    "opened_by_mistake_before_quoted_fields": Case(
        b'a,b\n1,"x\n2,"y"\n3,"z"\n', [("2", "y"), ("3", "z")], [(2, UNREADABLE, '1,"x')]
    ),
    "closing_line_opens_the_next": Case(
        b'a,b\n"one\n"\n,1",\n5,6\n', [("5", "6")], [(2, SHORT, '"one\n"'), (4, LONG, ',1",')]
    ),
    "text_behind_a_quote_of_several_lines": Case(
        b'a,b\n1,"x\na,b"z\n2,y\n', [("2", "y")], [(2, UNREADABLE, '1,"x\na,b"z')]
    ),
    # Records of another width, and bytes that are no text, in records of several lines
    "surplus_field_behind_newline": Case(b'a,b\n1,"x\ny",z\n2,w\n', [("2", "w")], [(2, LONG, '1,"x\ny",z')]),
    "missing_field_behind_newline": Case(
        b'a,b,c\n1,"x\ny"\n2,z,w\n', [("2", "z", "w")], [(2, "2 fields, the header has 3", '1,"x\ny"')], columns=ABC
    ),
    "lands_and_is_rejected": Case(b'a,b\n1,"x\np,q\nz"\n3\n', [("1", "x\np,q\nz")], [(5, SHORT, "3")]),
    "bad_byte_before_newline": Case(b'a,b\n1\xff,"x\ny,z"\n2,w\n', [("2", "w")], [(2, "not UTF-8", '1\\xff,"x\ny,z"')]),
    "bad_byte_behind_newline": Case(b'a,b\n1,"x\n\xff"\n2,w\n', [("2", "w")], [(2, "not UTF-8", '1,"x\n\\xff"')]),
    "half_a_letter_at_the_end": Case(b"a,b\n1,caf\xc3", [], [(2, "not UTF-8", "1,caf\\xc3")]),
    "surrogates_and_overlong_letters": Case(
        b"a,b\n1,\xed\xa0\x80\n2,\xc0\x80\n3,\xf0\x9f\x98\x80\n",
        [("3", "\U0001f600")],
        [(2, "not UTF-8", "1,\\xed\\xa0\\x80"), (3, "not UTF-8", "2,\\xc0\\x80")],
    ),
    "nul_in_a_record_with_newline": Case(b'a,b\n1,"x\ny\x00"\n2,z\n', [("2", "z")], [(2, "NUL byte", '1,"x\ny\x00"')]),
    "one_bad_long_record": Case(
        b"a,b\n" + b"".join(b'%d,"x"\n' % number for number in range(500)) + b'9,"' + b"line\n" * 10 + b'\0"\n',
        [(str(number), "x") for number in range(500)],
        [(502, "NUL byte", '9,"' + "line\n" * 10 + '\0"')],
        max_rejected=0.01,
    ),
    # Values
    "values_as_delivered": Case(
        b'a,b\n19.90,007\n1e400, x \nNaN,NULL\n,""\n"1,5",-0\n',
        [("19.90", "007"), ("1e400", " x "), ("NaN", "NULL"), (None, ""), ("1,5", "-0")],
    ),
    "byte_order_mark_within": Case(b"a,b\n\xef\xbb\xbf1,2\n", [("\ufeff1", "2")]),
    # Headers
    "newline_in_header": Case(b'"a\nx",b\n1,2\n', [("1", "2")], columns={"a\nx": "a", "b": "b"}),
    "position_behind_a_header_of_two_lines": Case(
        b'"a\nx",b\n1\n', [], [(3, SHORT, "1")], columns={"a\nx": "a", "b": "b"}
    ),
    "carriage_return_in_a_header": Case(b'a,"b\rc"\n', [], columns={"a": "a", "b\rc": "b"}),
    "empty_trailing_headers": Case(b"a,b,,\n1,2,,\n", [("1", "2")]),
    "empty_trailing_headers_with_a_value": Case(b"a,b,,\n1,2,,x\n", [("1", "2")], rescued={0: {" (2)": "x"}}),
    "unknown_header_twice": Case(b"x,a,x,b\n1,2,3,4\n", [("2", "4")], rescued={0: {"x": "1", "x (2)": "3"}}),
    "known_header_twice": Case(b"a,b,a\n1,2,3\n", refused="all fall on column 'a'"),
    # Too long
    "very_long_line": Case(
        b"t,n\n" + b"x" * (25 * 2**20) + b"yz,7\nok,8\n",
        [("ok", "8")],
        [(2, TOO_LONG, "x" * 1000)],
        columns={"t": "t", "n": "n"},
    ),
    "binary_line": Case(
        b"a,b\n" + b"\xff" * (6 * 2**20) + b"\n1,2\n", [("1", "2")], [(2, "not UTF-8", "\\xff" * 1000)]
    ),
    "huge_quoted_text": Case(
        b'a,b\n1,"' + (b"x" * 999 + b"\n") * 17500 + b'"\n2,y\n', [("2", "y")], [(2, TOO_LONG, '1,"' + "x" * 999)]
    ),
    "huge_text_that_fits": Case(
        b'a,b\n1,"' + (b"x" * 999 + b"\n") * 15000 + b'"\n2,y\n', [("1", ("x" * 999 + "\n") * 15000), ("2", "y")]
    ),
}
