//! End-to-end tests: the built programs in workspaces of their own.

mod champion;
mod commands;
mod crash;
mod daemon;
mod engines;
mod foretell;
mod house;
mod lineage;
mod listener;
mod month;
mod night;
mod operating;
mod planning_data;
mod policy;
mod quest;
mod real_logs;
mod runner;
mod s3;
mod traces;
mod train;
mod trouble;

mod support;
