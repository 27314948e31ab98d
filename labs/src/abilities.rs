//! What a test binary can do beside running scenarios: explore, play scripts, plant a violation.

use crate::stop::Stop;
use crate::targets::Binary;
use scenario::line::{ExploredLine, Line, PlantedLine, PresetLine, RunLine};
use std::path::Path;

impl Binary {
    /// The bounds that have a name; none, if it explores nothing.
    pub fn presets(&self) -> Result<Vec<PresetLine>, Stop> {
        let output = self.command("bounds").output().map_err(|why| self.not_started(&why))?;
        if !output.status.success() {
            return Err(self.strange("list its bounds", output.status));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let preset = |line| match serde_json::from_str(line) {
            Ok(Line::Preset(preset)) => Some(preset),
            _ => None,
        };
        Ok(text.lines().filter_map(preset).collect())
    }

    /// Explores within these bounds, and hands on every line as it comes.
    pub fn explore(
        &self,
        bounds: &str,
        digest: bool,
        out: Option<&Path>,
        mut line: impl FnMut(&Line),
    ) -> Result<ExploredLine, Stop> {
        let mut command = self.command("explore");
        command.args(["--bounds", bounds]);
        if digest {
            command.args(["--digest", "yes"]);
        }
        if let Some(out) = out {
            let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
            command.arg("--out").arg(absolute);
        }
        let mut explored = None;
        let status = self.lines(command, |parsed| {
            line(&parsed);
            match parsed {
                Line::Explored(end) => explored = Some(Ok(end)),
                Line::Refused { sentence } => explored = Some(Err(Stop::usage(sentence))),
                _ => {}
            }
        })?;
        explored.unwrap_or_else(|| Err(self.strange("finish the exploration", status)))
    }

    /// Plays a script.
    pub fn play(&self, script: &Path, trace: Option<&Path>) -> Result<RunLine, Stop> {
        let mut command = self.command("play");
        command.arg("--script").arg(script);
        if let Some(trace) = trace {
            command.arg("--trace-file").arg(trace);
        }
        let mut played = None;
        let status = self.lines(command, |parsed| match parsed {
            Line::Run(line) => played = Some(Ok(line)),
            Line::Refused { sentence } => played = Some(Err(Stop::usage(sentence))),
            _ => {}
        })?;
        played.unwrap_or_else(|| Err(self.strange("play the script", status)))
    }

    /// Lets it plant a violation in a run of one of these scenarios and judge it.
    pub fn plant(&self, names: &[String]) -> Result<PlantedLine, Stop> {
        let output = self
            .command("plant")
            .args(["--names", &names.join(",")])
            .output()
            .map_err(|why| self.not_started(&why))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let planted = text.lines().find_map(|line| match serde_json::from_str(line) {
            Ok(Line::Planted(planted)) => Some(planted),
            _ => None,
        });
        planted.ok_or_else(|| self.strange("show that it finds a planted violation", output.status))
    }
}
