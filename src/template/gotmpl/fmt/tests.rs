use super::*;

fn printed(format: &str, args: &[Val]) -> String {
    let bytes = sprintf(format.as_bytes(), args, 1 << 20).expect("small");
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_text_past_the_limit_is_refused() {
    assert_eq!(
        sprintf(b"%1000d%1000d", &[Val::Int(1), Val::Int(2)], 1500),
        Err(TooLarge)
    );
    assert_eq!(
        printed("%1000000000d|", &[Val::Int(1)]),
        "%!(NOVERB)%!(EXTRA int=1)"
    );
}

#[test]
fn errors_of_a_format_stand_in_the_text() {
    assert_eq!(printed("%d", &["x".into()]), "%!d(string=x)");
    assert_eq!(printed("%d %s", &[Val::Int(1)]), "1 %!s(MISSING)");
    assert_eq!(printed("%s", &[Val::Nil]), "%!s(<nil>)");
    assert_eq!(printed("%[3]d", &[Val::Int(1)]), "%!d(BADINDEX)");
    assert_eq!(
        printed("%d", &[Val::list(vec!["a".into(), Val::Nil])]),
        "[%!d(string=a) <nil>]"
    );
}
