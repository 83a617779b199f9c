use super::*;

/// A file of its own in a folder of its own.
fn file(text: &str) -> (PathBuf, PathBuf) {
    let folder = crate::scratch::folder();
    let file = folder.join("visavis.yaml");
    std::fs::write(&file, text).unwrap();
    (folder, file)
}

fn load(
    text: &str,
    env: &[(&str, &str)],
    flags: &[(&str, Option<&str>)],
) -> Result<Config, String> {
    let (_folder, file) = file(text);
    let owned = |text: &&str| (*text).to_owned();
    let sources = Sources {
        file: Some(file.clone()),
        env: env
            .iter()
            .map(|(name, text)| (owned(name), owned(text)))
            .collect(),
        flags: flags
            .iter()
            .map(|(name, text)| (owned(name), text.as_ref().map(owned)))
            .collect(),
    };
    let shown = file.display().to_string();
    Config::load(&sources).map_err(|error| error.to_string().replace(&shown, "visavis.yaml"))
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let text = "port: 1\n";
    let env = [("VISAVIS_PORT", "2")];
    let flag = [("port", Some("3"))];
    assert_eq!(load("", &[], &[]).unwrap(), Config::default());
    assert_eq!(load(text, &[], &[]).unwrap().port, 1);
    assert_eq!(load(text, &env, &[]).unwrap().port, 2);
    assert_eq!(load(text, &env, &flag).unwrap().port, 3);
}

#[test]
fn livekits_file_means_the_same_here() {
    let config = load(
        "port: 7880\nbind_addresses:\n  - \"127.0.0.1\"\n  - ::1\nkeys:\n  APIa: one\n\
         rtc:\n  udp_port: 7882\n  node_ip: 192.0.2.1\n  use_external_ip: false\n  interfaces:\n    \
         includes: [eth0]\n  enable_loopback_candidate: true\nroom:\n  auto_create: false\n  \
         empty_timeout: 30\n  departure_timeout: 2\n  max_participants: 5\nlogging:\n  level: debug\n",
        &[("LIVEKIT_KEYS", ""), ("VISAVIS_DATA_DIR", "/srv/v")],
        &[],
    )
    .unwrap();
    assert_eq!(
        config.bind_addresses,
        ["127.0.0.1", "::1"].map(|ip| ip.parse::<IpAddr>().unwrap())
    );
    assert_eq!(config.keys["APIa"], "one");
    assert_eq!(config.rtc.udp_port, Some(7882));
    assert_eq!(config.rtc.node_ip, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
    assert_eq!(config.rtc.interface_includes, ["eth0"]);
    assert!(config.rtc.enable_loopback_candidate);
    assert!(!config.room.auto_create);
    assert_eq!(config.room.empty_timeout.as_secs(), 30);
    assert_eq!(config.room.max_participants, 5);
    assert_eq!(config.log_level, Level::DEBUG);
    assert_eq!(config.data_dir, PathBuf::from("/srv/v"));
}

#[test]
fn livekits_variables_are_read_and_ours_are_more_exact() {
    let keys = [
        ("LIVEKIT_KEYS", "APIa: one\nAPIb: two"),
        ("NODE_IP", "192.0.2.1"),
        ("UDP_PORT", "9"),
    ];
    let config = load("keys: {old: gone}\n", &keys, &[]).unwrap();
    assert_eq!(config.keys.keys().collect::<Vec<_>>(), ["APIa", "APIb"]);
    assert_eq!(config.rtc.udp_port, Some(9));
    let both = [("VISAVIS_RTC_UDP_PORT", "10"), ("UDP_PORT", "9")];
    assert_eq!(load("", &both, &[]).unwrap().rtc.udp_port, Some(10));
    let sources = Sources {
        env: vec![("LIVEKIT_CONFIG".to_owned(), "port: 4\nprot: 5\n".to_owned())],
        ..Sources::default()
    };
    let error = Config::load(&sources).unwrap_err().to_string();
    assert_eq!(
        error,
        "LIVEKIT_CONFIG:2: unknown key \"prot\"; did you mean \"port\"?"
    );
}

#[test]
fn what_is_not_understood_is_refused_with_file_line_and_reason() {
    for (text, error) in [
        (
            "port: 1\n\nprot: 2\n",
            "visavis.yaml:3: unknown key \"prot\"; did you mean \"port\"?",
        ),
        (
            "rtc:\n  udpport: 2\n",
            "visavis.yaml:2: unknown key \"rtc.udpport\"; did you mean \"rtc.udp_port\"?",
        ),
        (
            "redis:\n  address: x\n",
            "visavis.yaml:1: unknown key \"redis\"",
        ),
        (
            "\nport: 70000\n",
            "visavis.yaml:2: port: \"70000\" is not a number from 0 to 65535",
        ),
        ("port:\n", "visavis.yaml:1: port: a value is missing"),
        (
            "rtc: 5\n",
            "visavis.yaml:1: rtc: keys are expected below it",
        ),
        (
            "rtc:\n  node_ip: example.org\n",
            "visavis.yaml:2: rtc.node_ip: \"example.org\" is not an IP address",
        ),
        (
            "room:\n  auto_create: perhaps\n",
            "visavis.yaml:2: room.auto_create: \"perhaps\" is neither true nor false",
        ),
        (
            "logging:\n  level: 5\n",
            "visavis.yaml:2: logging.level: \"5\" is none of error, warn, info, debug, trace",
        ),
    ] {
        assert_eq!(load(text, &[], &[]), Err(error.to_owned()));
    }
    let error = load("", &[("VISAVIS_PORT", "x")], &[]).unwrap_err();
    assert_eq!(error, "VISAVIS_PORT: \"x\" is not a number from 0 to 65535");
    let error = load("", &[], &[("udp-port", Some("-1"))]).unwrap_err();
    assert_eq!(error, "--udp-port: \"-1\" is not a number from 0 to 65535");
}

#[test]
fn a_named_file_must_exist() {
    let sources = Sources {
        file: Some("/nonexistent/visavis.yaml".into()),
        ..Sources::default()
    };
    let error = Config::load(&sources).unwrap_err().to_string();
    assert!(
        error.starts_with("/nonexistent/visavis.yaml: can't be read: "),
        "{error}"
    );
}

#[test]
fn the_public_secret_stays_on_this_machine() {
    let dev = ("dev", None);
    assert!(load("", &[], &[dev]).unwrap().dev);
    assert!(load("", &[], &[dev, ("bind", Some("::1"))]).is_ok());
    for flags in [
        vec![dev, ("bind", Some("0.0.0.0"))],
        vec![
            dev,
            ("bind", Some("127.0.0.1")),
            ("bind", Some("192.0.2.1")),
        ],
        vec![dev, ("dev-tls", None)],
        vec![dev, ("tls-cert", Some("c")), ("tls-key", Some("k"))],
    ] {
        let error = load("", &[], &flags).unwrap_err();
        assert!(error.contains("this machine only"), "{flags:?}: {error}");
    }
    let error = load("keys: {a: b}\n", &[], &[dev]).unwrap_err();
    assert!(error.contains("brings its own key"), "{error}");
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let error = load("tls:\n  cert_file: c.pem\n", &[], &[]).unwrap_err();
    assert!(error.contains("needed together"), "{error}");
    let error = load("rtc:\n  use_external_ip: true\n", &[], &[]).unwrap_err();
    assert!(error.contains("rtc.stun_servers"), "{error}");
}

#[test]
fn several_flags_make_a_list_and_keys_may_hold_commas_only_between_pairs() {
    let flags = [
        ("keys", Some("a: b")),
        ("keys", Some("c: d")),
        ("bind", Some("::1,127.0.0.1")),
    ];
    let config = load("", &[], &flags).unwrap();
    assert_eq!(config.keys.len(), 2);
    assert_eq!(config.bind_addresses.len(), 2);
    let error = load("", &[], &[("keys", Some("verysecret"))]).unwrap_err();
    assert!(
        !error.contains("verysecret"),
        "no secret in a message: {error}"
    );
    assert!(
        !format!("{config:?}").contains("\"b\""),
        "no secret in a debug print"
    );
}
