//! Functions whose answer differs from call to call: templates that print `ok` if a property of it holds, for
//! helm too.

use super::functions::RANDOM;
use super::vectors::{helm, ours};

/// Each prints `ok`, whatever was drawn.
const PROPERTIES: &[&str] = &[
    r#"{{ if regexMatch "^[A-Za-z]{20}$" (randAlpha 20) }}ok{{ end }}"#,
    r#"{{ if regexMatch "^[A-Za-z0-9]{30}$" (randAlphaNum 30) }}ok{{ end }}"#,
    r#"{{ if regexMatch "^[0-9]{12}$" (randNumeric 12) }}ok{{ end }}"#,
    r#"{{ if regexMatch "^[ -~]{40}$" (randAscii 40) }}ok{{ end }}"#,
    r#"{{ if ne (randAlphaNum 20) (randAlphaNum 20) }}ok{{ end }}"#,
    r#"{{ if eq "" (randAlpha 0) }}ok{{ end }}"#,
    r#"{{ if eq 16 (randBytes 16 | b64dec | len) }}ok{{ end }}"#,
    r#"{{ if ne (randBytes 16) (randBytes 16) }}ok{{ end }}"#,
    r#"{{ $seen := dict }}{{ range until 300 }}{{ $_ := set $seen (randInt 5 8 | toString) 1 }}{{ end }}{{ if eq "5,6,7" (keys $seen | sortAlpha | join ",") }}ok{{ end }}"#,
    r#"{{ if regexMatch "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$" uuidv4 }}{{ if ne uuidv4 uuidv4 }}ok{{ end }}{{ end }}"#,
    r#"{{ if eq "abcdé" (shuffle "écabd" | splitList "" | sortAlpha | join "") }}ok{{ end }}"#,
    r#"{{ if eq "" (shuffle "") }}ok{{ end }}"#,
    r#"{{ if regexMatch "^\\$2a\\$10\\$[./A-Za-z0-9]{53}$" (bcrypt "secret") }}ok{{ end }}"#,
    r#"{{ if regexMatch "^me:\\$2a\\$10\\$[./A-Za-z0-9]{53}$" (htpasswd "me" "secret") }}ok{{ end }}"#,
    r#"{{ if hasPrefix "invalid username" (htpasswd "m:e" "secret") }}ok{{ end }}"#,
    r#"{{ $c := encryptAES "key" "héllo" }}{{ if eq "héllo" (decryptAES "key" $c) }}{{ if ne $c (encryptAES "key" "héllo") }}ok{{ end }}{{ end }}"#,
    r#"{{ if eq "" (decryptAES "key" (encryptAES "key" "")) }}ok{{ end }}"#,
    r#"{{ if regexMatch "(?s)^-----BEGIN EC PRIVATE KEY-----\n.+-----END EC PRIVATE KEY-----\n$" (genPrivateKey "ecdsa") }}ok{{ end }}"#,
    r#"{{ if regexMatch "(?s)^-----BEGIN PRIVATE KEY-----\n.+-----END PRIVATE KEY-----\n$" (genPrivateKey "ed25519") }}ok{{ end }}"#,
    r#"{{ if eq "Unknown type x" (genPrivateKey "x") }}ok{{ end }}"#,
    r#"{{ $ca := genCA "my-ca" 365 }}{{ if regexMatch "(?s)^-----BEGIN CERTIFICATE-----\n.+-----END CERTIFICATE-----\n$" $ca.Cert }}{{ if hasPrefix "-----BEGIN RSA PRIVATE KEY-----" $ca.Key }}ok{{ end }}{{ end }}"#,
    r#"{{ $key := genPrivateKey "ecdsa" }}{{ $ca := genCAWithKey "my-ca" 365 $key }}{{ if eq $key $ca.Key }}ok{{ end }}"#,
    r#"{{ $key := genPrivateKey "ecdsa" }}{{ $ca := genCAWithKey "my-ca" 365 $key }}{{ $s := genSignedCertWithKey "svc" (list "10.0.0.1") (list "svc.ns" "svc") 30 $ca $key }}{{ if and (eq $key $s.Key) (ne $s.Cert $ca.Cert) }}ok{{ end }}"#,
    r#"{{ $ca := genCAWithKey "my-ca" 365 (genPrivateKey "ed25519") }}{{ $s := genSignedCert "svc" nil (list "svc") 30 $ca }}{{ if contains "BEGIN CERTIFICATE" $s.Cert }}ok{{ end }}"#,
    r#"{{ $s := genSelfSignedCert "svc" (list "::1") (list "a" "*.b") 30 }}{{ if contains "BEGIN CERTIFICATE" $s.Cert }}ok{{ end }}"#,
    r#"{{ $key := genPrivateKey "ecdsa" }}{{ $s := genSelfSignedCertWithKey "svc" nil nil 30 $key }}{{ if eq $key $s.Key }}ok{{ end }}"#,
    r#"{{ $key := genPrivateKey "ecdsa" }}{{ $ca := genCAWithKey "c" 1 $key }}{{ $b := buildCustomCert (b64enc $ca.Cert) (b64enc $ca.Key) }}{{ if and (eq $b.Cert $ca.Cert) (eq $b.Key $ca.Key) }}ok{{ end }}"#,
    r#"{{ if regexMatch "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$" (now | date "2006-01-02") }}ok{{ end }}"#,
    r#"{{ if has (ago now) (list "0s" "1s" "2s") }}ok{{ end }}"#,
    r#"{{ $t := now }}{{ if and (eq "time.Time" (typeOf $t)) (lt (unixEpoch $t | int64) (now | dateModify "1h" | unixEpoch | int64)) }}ok{{ end }}"#,
    r#"{{ if eq "a,b,c,d" (keys .Values.map | sortAlpha | join ",") }}{{ if eq 4 (values .Values.map | len) }}ok{{ end }}{{ end }}"#,
    r#"{{ $a := keys .Values.map }}{{ $b := list }}{{ range $k, $v := .Values.map }}{{ $b = append $b $k }}{{ end }}{{ if eq (join "," $b) (sortAlpha $a | join ",") }}ok{{ end }}"#,
];

#[test]
fn what_is_random_has_the_properties_it_has_in_helm() {
    for name in RANDOM {
        let tested = PROPERTIES.iter().any(|template| template.contains(name));
        assert!(tested, "{name}");
    }
    for template in PROPERTIES {
        assert_eq!(ours(template, 0), Ok("ok".to_owned()), "{template}");
    }
    let Some(helm) = helm() else {
        return;
    };
    let cases: Vec<(usize, &str)> = PROPERTIES.iter().copied().enumerate().collect();
    let texts = helm.batch(&cases).expect("helm renders them");
    for (template, text) in PROPERTIES.iter().zip(texts) {
        assert_eq!(text, "ok", "helm: {template}");
    }
}
